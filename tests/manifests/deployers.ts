import type { Manifest } from "../../tools/render/manifests.ts";
import { deployed } from "./projects.ts";
import { check, each, type Rule, same } from "./rule.ts";

const write = ["create", "delete", "get", "list", "patch", "update", "watch"];
const look = ["get", "list", "watch"];

/** Kubernetes' name for a kind's resource: apps/deployments. */
const resource = (kind: string) => `${kind.toLowerCase()}s`;

interface Granted {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/** The verbs of each resource. */
function verbs(rules: Granted[]): Record<string, string[]> {
  const found = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((name) => [`${group}/${name}`, verbs.toSorted()])),
  );
  return Object.fromEntries(found.sort());
}

/** Who has which role, and where, in one line. */
function binding({ metadata, roleRef, subjects }: Manifest): string {
  const who = (subjects ?? []).map(
    ({ kind, name, namespace }: { kind: string; name: string; namespace?: string }) =>
      kind === "ServiceAccount" ? `${namespace}/${name}` : name,
  );
  return `${who.join(" and ")} has ${roleRef.name} in ${metadata.namespace ?? "the cluster"}`;
}

const bindings = (manifests: Manifest[]) =>
  manifests
    .filter(({ kind }) => /^(Cluster)?RoleBinding$/.test(kind))
    .map(binding)
    .sort();

export const deployers: Record<string, Rule> = {
  "a team's deployer may deploy its kinds, look at what the UI shows, and nothing more": async (
    repository,
  ) => {
    const role = (await repository.render("argocd/deployers")).find(
      ({ kind }) => kind === "ClusterRole",
    );
    const expected = Object.fromEntries(
      [
        ...deployed.map((kind) => [resource(kind), write]),
        ...["/events", "/pods", "/pods/log", "apps/replicasets"].map((name) => [name, look]),
      ].sort() as [string, string[]][],
    );
    return same("argocd-deployer-team", verbs(role?.rules ?? []), expected);
  },

  "every role is bound where it is meant to be, to whom, and to nobody else": async (
    repository,
  ) => [
    ...same("argocd/deployers", bindings(await repository.render("argocd/deployers")), [
      "argocd-deployers/platform has cluster-admin in the cluster",
      "argocd/argocd-server has argocd-server-impersonation in argocd-deployers",
    ]),
    ...(await each(repository.environments, async (environment) =>
      same(environment, bindings(await repository.platform(environment)), [
        ...repository.services.map(
          (team) => `argocd-deployers/${team} has argocd-deployer-team in app-${team}`,
        ),
        "system:unauthenticated has system:service-account-issuer-discovery in the cluster",
      ]),
    )),
  ],

  "Argo CD's server acts as the deployers, and as nobody else": async (repository) => {
    const manifests = await repository.render("argocd/deployers");
    const accounts = manifests.filter(({ kind }) => kind === "ServiceAccount");
    const roles = manifests.filter(({ kind }) => kind === "Role");
    return same(
      "argocd-server-impersonation",
      roles.flatMap(({ rules }) =>
        rules.map((rule: Granted) => ({ ...rule, resourceNames: rule.resourceNames?.toSorted() })),
      ),
      [
        {
          apiGroups: [""],
          resources: ["serviceaccounts"],
          resourceNames: accounts.map(({ metadata }) => metadata.name).sort(),
          verbs: ["impersonate"],
        },
      ],
    );
  },

  "no role of ours has a wildcard, and no account a token that nobody asked for": async (
    repository,
  ) => {
    const manifests = await Promise.all([
      repository.render("argocd/deployers"),
      ...repository.environments.map((environment) => repository.platform(environment)),
      ...repository.overlays.map((folder) => repository.render(folder)),
    ]);
    return each(manifests.flat(), ({ kind, metadata, rules, automountServiceAccountToken }) => [
      ...check(
        !JSON.stringify(rules ?? []).includes('"*"'),
        `${kind} ${metadata.name}: a wildcard`,
      ),
      ...check(
        kind !== "ServiceAccount" || automountServiceAccountToken === false,
        `${kind} ${metadata.name}: mounts its token into every pod`,
      ),
    ]);
  },
};
