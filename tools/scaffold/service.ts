import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { run, UserError } from "../cli/command.ts";
import { nameOnGitHub } from "../github/name.ts";
import { imageIn, overlayFile } from "../images/images.ts";
import { environmentsIn } from "../repository/environments.ts";
import { checkName, Plan, renaming } from "./plan.ts";

/** The service whose files every new one starts from. */
const model = "payment";

/**
 * A new service, its team and its layers of isolation: payment's files under another name, without what is payment's
 * alone. It answers to probes; nobody may call it, and it may call nobody, until its network policies say so.
 * @param root the working copy
 * @returns what is to be written
 * @throws UserError about a name that is missing, taken or malformed
 */
export async function newService(root: string, name: string): Promise<Plan> {
  const services = readdirSync(join(root, "apps"));
  const projects = readdirSync(join(root, "argocd/projects")).map((file) =>
    basename(file, ".yaml"),
  );
  const applications = environmentsIn(root).flatMap((environment) => {
    const folder = join(root, "clusters", environment, "apps");
    const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    return texts.flatMap((text) => /^ {2}name: (\S+)/m.exec(text)?.[1] ?? []);
  });
  // A login and a deployer that are no service's; and the first words of variables that are a runtime's.
  const others = ["nobody", "platform", "node", "ld", "ssl", "openssl", "uv", "java", "jdk"];
  checkName(name, "service", [...services, ...projects, ...applications, ...others]);
  if (name.endsWith("-service")) {
    throw new UserError(
      `Leave the end of ${name} off: its source will be in ${name}/ all the same.`,
    );
  }
  const plan = new Plan(root);
  const rename = renaming(model, name);
  /** Adds to a list that has an entry for each service the one of this service, after the last. */
  const enlist = (file: string, entry: (service: string) => string) =>
    plan.edit(file, (text) => afterLast(text, services.map(entry), entry(name)));

  // The service itself: a server by the kit, its image and its tests, and no route but for probes.
  const source = `${name}-service`;
  plan.copy("tools/templates/service", source, renaming("template", name));
  const lock = await lockWith(root, source, plan.read(`${source}/package.json`));
  plan.edit("package-lock.json", () => lock);

  addBase(plan, name, rename);
  for (const environment of environmentsIn(root)) {
    const { name: image } = imageIn(rename(plan.read(overlayFile(model, environment))));
    plan.create(overlayFile(name, environment), overlay(image));
    const applications = `clusters/${environment}/apps`;
    plan.create(`${applications}/${name}.yaml`, rename(plan.read(`${applications}/${model}.yaml`)));
    enlist(`${applications}/kustomization.yaml`, (service) => `  - ${service}.yaml\n`);
  }

  addNamespace(plan, name, rename);
  enlist("clusters/base/namespaces/kustomization.yaml", (service) => `  - app-${service}\n`);
  enlist("clusters/base/monitoring/prometheus.yaml", (service) => `            - app-${service}\n`);
  enlist(
    "clusters/without-argocd/kustomization.yaml",
    (service) => `  - ../../apps/${service}/overlays/testing\n`,
  );

  const folder = "argocd/projects";
  plan.create(`${folder}/${name}.yaml`, rename(plan.read(`${folder}/${model}.yaml`)));
  enlist(`${folder}/kustomization.yaml`, (service) => `  - ${service}.yaml\n`);
  plan.edit("argocd/deployers/teams.yaml", (text) => {
    const account = text.split("---\n").find((one) => one.includes(`name: ${model}\n`)) ?? "";
    return `${text}---\n${rename(account)}`;
  });
  enlist("argocd/deployers/impersonation.yaml", (service) => `      - ${service}\n`);

  enlist(
    "argocd/install/permissions.yaml",
    (service) => `    g, ${service}, proj:${service}:team\n`,
  );
  const logins = "clusters/local/argocd/logins.yaml";
  enlist(logins, (service) => `  accounts.local-${service}: login\n`);
  enlist(logins, (service) => `    g, local-${service}, proj:${service}:team\n`);

  const [owner] = nameOnGitHub(plan.read("clusters/repository/kustomization.yaml")).split("/");
  enlist(".github/CODEOWNERS", (service) => {
    const [source, apps] = [`/${service}-service/`, `/apps/${service}/`];
    return `\n${source}   @${owner}/${service}\n${apps.padEnd(source.length)}   @${owner}/${service}\n`;
  });
  return plan;
}

/** @returns the lockfile with one workspace more, whose packages others have already */
async function lockWith(root: string, workspace: string, manifest: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-new-"));
  try {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
    const own = Object.keys(packages).filter((path) => !path.includes("node_modules"));
    const manifests = own.map((path) => join(path, "package.json"));
    for (const file of ["package-lock.json", ".npmrc", ...manifests])
      cpSync(join(root, file), join(folder, file));
    mkdirSync(join(folder, workspace));
    writeFileSync(join(folder, workspace, "package.json"), manifest);
    // All of its packages are there already, so npm needs no registry.
    await run("npm", ["install", "--package-lock-only", "--offline"], { cwd: folder });
    return readFileSync(join(folder, "package-lock.json"), "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The manifests: payment's, without its probe and what that needs. */
function addBase(plan: Plan, name: string, rename: (text: string) => string): void {
  const [from, to] = [model, name].map((service) => `apps/${service}/base`);
  const files = ["service.yaml", "preview.yaml", "autoscaler.yaml", "disruption-budget.yaml"];
  for (const file of files) plan.create(`${to}/${file}`, rename(plan.read(`${from}/${file}`)));
  const template = plan.read("tools/templates/analysis.yaml");
  plan.create(`${to}/analysis.yaml`, renaming("template", name)(template));
  plan.create(
    `${to}/kustomization.yaml`,
    rename(plan.read(`${from}/kustomization.yaml`)).replace("  - service-account.yaml\n", ""),
  );
  plan.create(
    `${to}/rollout.yaml`,
    rename(plan.read(`${from}/rollout.yaml`))
      .replace(/^ +- name: acceptance-share\n(?: {12}.*\n)+/m, "")
      .replace(
        /^( +env:\n)(?: +#.*\n)*(?: +- name: .*\n +value: .*\n)+/m,
        '$1            - name: PORT\n              value: "9000"\n',
      )
      .replace("First nobody but a probe reaches them,", "First nobody reaches them,"),
  );
}

/** The namespace: what the platform gives to every service, without what it gives to payment alone. */
function addNamespace(plan: Plan, name: string, rename: (text: string) => string): void {
  const [from, to] = [model, name].map((service) => `clusters/base/namespaces/app-${service}`);
  const files = ["namespace.yaml", "deployer.yaml", "quota.yaml", "network-policies.yaml"];
  const kept = ["../limits", ...files];
  for (const file of files) plan.create(`${to}/${file}`, rename(plan.read(`${from}/${file}`)));
  plan.edit(`${to}/network-policies.yaml`, (text) => {
    const policies = text.split("---\n");
    return policies.filter((one) => /^ {2}name: metrics-scrapers$/m.test(one)).join("---\n");
  });
  plan.create(
    `${to}/kustomization.yaml`,
    rename(plan.read(`${from}/kustomization.yaml`)).replaceAll(/^ {2}- (.*)\n/gm, (line, file) =>
      kept.includes(file) ? line : "",
    ),
  );
}

/** @param image without tag; until the first build there is none */
const overlay = (image: string) => `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../base
images:
  - name: ${image}
    newTag: 0.0.0
`;

/** Puts an entry behind the last one of those that are there; into the text as it is when there is none. */
function afterLast(text: string, entries: string[], entry: string): string {
  const end = Math.max(
    ...entries.filter((one) => text.includes(one)).map((one) => text.lastIndexOf(one) + one.length),
  );
  return end > 0 ? text.slice(0, end) + entry + text.slice(end) : text;
}
