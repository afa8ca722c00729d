import type { Manifest } from "../../tools/render/manifests.ts";
import { check, each, type Rule, same } from "./rule.ts";

const cluster = "https://kubernetes.default.svc";

interface Kind {
  group: string;
  kind: string;
  name?: string;
}

/** Kinds in an order of their own, with their group: apps/Deployment. */
const kinds = (list: Kind[]) =>
  [...new Set(list.map(({ group, kind }) => `${group}/${kind}`))].sort();

const kindOf = ({ apiVersion, kind }: Manifest): Kind => ({
  group: apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "",
  kind,
});

/** What a team deploys, and what it sees in the UI's tree but may not make. */
export const deployed = [
  "/ConfigMap",
  "/PersistentVolumeClaim",
  "/Service",
  "/ServiceAccount",
  "apps/Deployment",
  "autoscaling/HorizontalPodAutoscaler",
  "policy/PodDisruptionBudget",
];
const seen = ["/Pod", "apps/ReplicaSet"];

/** @returns where a project allows another thing than what its Application deploys */
function allows(
  what: string,
  project: Manifest["spec"],
  manifests: Manifest[],
  expected: { namespaces: string[]; pattern(name: string, kind: string): string; seen?: string[] },
): string[] {
  const { clusterResourceWhitelist = [], namespaceResourceWhitelist = [], destinations } = project;
  const inNamespace = ({ kind, metadata }: Manifest) =>
    metadata.namespace !== undefined && kind !== "Namespace";
  const made = (namespaced: boolean) =>
    kinds(manifests.filter((one) => inNamespace(one) === namespaced).map(kindOf));
  const names = manifests
    .filter((one) => !inNamespace(one))
    .map(({ kind, metadata }) => `${kind} ${expected.pattern(metadata.name, kind)}`);
  return [
    ...same(
      `${what}: kinds`,
      kinds(namespaceResourceWhitelist),
      [...made(true), ...(expected.seen ?? [])].sort(),
    ),
    ...same(`${what}: cluster's kinds`, kinds(clusterResourceWhitelist), made(false)),
    ...same(
      `${what}: cluster's names`,
      clusterResourceWhitelist.map(({ kind, name }: Kind) => `${kind} ${name}`).sort(),
      [...new Set(names)].sort(),
    ),
    ...same(
      `${what}: destinations`,
      destinations,
      expected.namespaces.map((namespace) => ({ server: cluster, namespace })),
    ),
  ];
}

export const projects: Record<string, Rule> = {
  "a team's project is its namespace, its kinds, its deployer and its group, and nothing more": (
    repository,
  ) =>
    each(repository.environments, async (environment) => {
      const manifests = await repository.platform(environment);
      return each(repository.services, (team) => {
        const project = manifests.find(
          ({ kind, metadata }) => kind === "AppProject" && metadata.name === team,
        );
        if (!project) return [`${environment}: ${team} has no project`];
        const { description, namespaceResourceWhitelist, roles, ...spec } = project.spec;
        return [
          ...check(description, `${team}: no description`),
          ...same(
            `${team}: kinds`,
            kinds(namespaceResourceWhitelist ?? []),
            [...deployed, ...seen].sort(),
          ),
          ...same(
            `${team}: groups`,
            roles.map(({ groups }: { groups: string[] }) => groups),
            [[team]],
          ),
          ...same(
            `${team}: everything else`,
            { ...spec, sourceRepos: spec.sourceRepos?.length },
            {
              clusterResourceWhitelist: [],
              destinationServiceAccounts: [
                {
                  defaultServiceAccount: `argocd-deployers:${team}`,
                  namespace: `app-${team}`,
                  server: cluster,
                },
              ],
              destinations: [{ namespace: `app-${team}`, server: cluster }],
              sourceRepos: 1,
            },
          ),
        ];
      });
    }),

  "the platform's projects allow the kinds that they deploy, and no others": (repository) =>
    each(repository.environments, async (environment) => {
      const platform = await repository.platform(environment);
      const argocd = await repository.render(`clusters/${environment}/argocd`);
      const project = (name: string) =>
        platform.find(({ kind, metadata }) => kind === "AppProject" && metadata.name === name)
          ?.spec ?? {};
      return [
        ...allows(`${environment}: platform`, project("platform"), platform, {
          namespaces: ["argocd", "app-*"],
          // A new service's namespace needs no change of the project.
          pattern: (name) => name.replace(/^app-.*/, "app-*"),
        }),
        ...allows(`${environment}: argocd`, project("argocd"), argocd, {
          namespaces: ["argocd", "argocd-deployers"],
          pattern: (name, kind) =>
            kind === "Namespace"
              ? name
              : name.replace(/^argocd-.*/, "argocd-*").replace(/^\w+(?=\.)/, "*"),
          seen,
        }),
      ];
    }),

  "nothing may use the default project": (repository) =>
    each(repository.environments, async (environment) => {
      const project = (await repository.platform(environment)).find(
        ({ kind, metadata }) => kind === "AppProject" && metadata.name === "default",
      );
      const { description: _, ...spec } = project?.spec ?? {};
      return same(`${environment}: default`, spec, {
        clusterResourceWhitelist: [],
        destinations: [],
        namespaceResourceBlacklist: [{ group: "*", kind: "*" }],
        sourceNamespaces: [],
        sourceRepos: [],
      });
    }),

  "nothing is ever pruned that would take everything else along": (repository) =>
    each(repository.environments, async (environment) => {
      const options = "argocd.argoproj.io/sync-options";
      const manifests = [
        ...(await repository.platform(environment)).filter(({ kind }) => kind === "AppProject"),
        ...(await repository.render(`clusters/${environment}/argocd`)).filter(({ kind }) =>
          ["CustomResourceDefinition", "Namespace"].includes(kind),
        ),
      ];
      return each(manifests, ({ kind, metadata }) =>
        same(
          `${environment}: ${kind} ${metadata.name}`,
          metadata.annotations?.[options],
          `Prune=false,Delete=false${kind === "AppProject" ? "" : ",ServerSideApply=true"}`,
        ),
      );
    }),
};
