import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { here, type Repository } from "../support/repository.ts";
import type { Rule } from "./rule.ts";

/** What has to know a service: files of its own, and lists that name it. */
const ofService = (service: string, environments: string[]): [file: string, entry: string][] => [
  [".github/CODEOWNERS", `/apps/${service}/`],
  [".github/CODEOWNERS", `/${service}-service/`],
  [`${service}-service/Dockerfile`, ""],
  ["package-lock.json", `"node_modules/${service}-service"`],
  [`argocd/projects/${service}.yaml`, `name: ${service}`],
  ["argocd/projects/kustomization.yaml", `- ${service}.yaml`],
  ["argocd/deployers/teams.yaml", `name: ${service}`],
  ["argocd/deployers/impersonation.yaml", `- ${service}`],
  ["argocd/install/permissions.yaml", `g, ${service}, proj:${service}:team`],
  [`clusters/base/namespaces/app-${service}/deployer.yaml`, `name: ${service}`],
  ["clusters/base/namespaces/kustomization.yaml", `- app-${service}`],
  ["clusters/base/monitoring/prometheus.yaml", `- app-${service}`],
  ["clusters/without-argocd/kustomization.yaml", `- ../../apps/${service}/overlays/testing`],
  ["clusters/local/argocd/logins.yaml", `accounts.local-${service}: login`],
  ["clusters/local/argocd/logins.yaml", `g, local-${service}, proj:${service}:team`],
  ...environments.flatMap((environment): [string, string][] => [
    [`apps/${service}/overlays/${environment}/kustomization.yaml`, "images:"],
    [`clusters/${environment}/apps/${service}.yaml`, `name: ${service}`],
    [`clusters/${environment}/apps/kustomization.yaml`, `- ${service}.yaml`],
  ]),
];

/** @returns the places that have to know a service or an environment, and do not: a sentence each */
export function omissions({ root, services, environments }: Repository): string[] {
  const ofServices = services.flatMap((name) => ofService(name, environments));
  const ofEnvironments = environments.map((name): [string, string] => [
    `clusters/local/${name}/kustomization.yaml`,
    `- ../../${name}`,
  ]);
  return [...ofServices, ...ofEnvironments].flatMap(([file, entry]) => {
    if (!existsSync(join(root, file))) return [`there is no ${file}`];
    // As a whole: `mail` is not in a list that has `invoices-mail`.
    const whole = new RegExp(`(?<![\\w-])${RegExp.escape(entry)}(?![\\w-])`);
    return whole.test(readFileSync(join(root, file), "utf8")) ? [] : [`${file} has no ${entry}`];
  });
}

export const lists: Rule[] = [
  {
    title: "Every list that needs a service or an environment has it",
    check: omissions,
    mutations: [
      {
        what: "a service that loses its line in CODEOWNERS",
        file: ".github/CODEOWNERS",
        from: `/apps/payment/      @${here.owner}/payment\n`,
        to: "",
        says: /CODEOWNERS has no \/apps\/payment\//,
      },
      {
        what: "a service whose name only begins another name",
        file: "argocd/deployers/impersonation.yaml",
        from: "- payment\n",
        to: "- payments\n",
        says: /impersonation.yaml has no - payment/,
      },
      {
        what: "a service whose name only ends another name",
        file: "argocd/deployers/impersonation.yaml",
        from: "- payment\n",
        to: "- prepayment\n",
        says: /impersonation.yaml has no - payment/,
      },
    ],
  },
];
