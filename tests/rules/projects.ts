import type { Manifest } from "../../scripts/lib/manifests.ts";
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

  "the platform's project allows the kinds that it deploys, and no others": (repository) =>
    each(repository.environments, async (environment) => {
      const manifests = await repository.platform(environment);
      const project = manifests.find(
        ({ kind, metadata }) => kind === "AppProject" && metadata.name === "platform",
      );
      const {
        clusterResourceWhitelist = [],
        namespaceResourceWhitelist,
        destinations,
      } = project?.spec ?? {};
      const inNamespace = ({ kind, metadata }: Manifest) =>
        metadata.namespace !== undefined && kind !== "Namespace";
      const made = (namespaced: boolean) =>
        kinds(manifests.filter((one) => inNamespace(one) === namespaced).map(kindOf));
      const ofCluster = manifests.filter((one) => !inNamespace(one));
      // A new service's namespace needs no change of the project.
      const pattern = (name: string) => name.replace(/^app-.*/, "app-*");
      return [
        ...same(`${environment}: kinds`, kinds(namespaceResourceWhitelist ?? []), made(true)),
        ...same(`${environment}: cluster's kinds`, kinds(clusterResourceWhitelist), made(false)),
        ...same(
          `${environment}: cluster's names`,
          clusterResourceWhitelist.map(({ kind, name }: Kind) => `${kind} ${name}`).sort(),
          [
            ...new Set(ofCluster.map(({ kind, metadata }) => `${kind} ${pattern(metadata.name)}`)),
          ].sort(),
        ),
        ...same(`${environment}: destinations`, destinations, [
          { server: cluster, namespace: "argocd" },
          { server: cluster, namespace: "app-*" },
        ]),
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

  "no project is ever pruned": (repository) =>
    each(repository.environments, async (environment) => {
      const manifests = await repository.platform(environment);
      return each(
        manifests.filter(({ kind }) => kind === "AppProject"),
        ({ metadata }) =>
          same(
            `${environment}: project ${metadata.name}`,
            metadata.annotations?.["argocd.argoproj.io/sync-options"],
            "Prune=false,Delete=false",
          ),
      );
    }),
};
