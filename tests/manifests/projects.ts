import type { Manifest } from "../../tools/render/manifests.ts";
import { here } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const project = "argocd/projects/payment.yaml";

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
  "argoproj.io/AnalysisTemplate",
  "argoproj.io/Rollout",
  "autoscaling/HorizontalPodAutoscaler",
  "batch/CronJob",
  "policy/PodDisruptionBudget",
];
const seen = ["/Pod", "apps/ReplicaSet"];
/** What a Rollout makes. */
const analyses = "argoproj.io/AnalysisRun";
/** What a CronJob makes, also by its action in the UI. */
const jobs = "batch/Job";

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

export const projects: Rule[] = [
  {
    title: "A team's project allows its namespace, kinds and deployer, and nothing more",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        return each(repository.services, (team) => {
          const project = manifests.find(
            ({ kind, metadata }) => kind === "AppProject" && metadata.name === team,
          );
          if (!project) return [`${environment}: ${team} has no project`];
          const { description, namespaceResourceWhitelist, roles, ...spec } = project.spec;
          return [
            ...unless(description, `${team}: no description`),
            ...same(
              `${team}: kinds`,
              kinds(namespaceResourceWhitelist ?? []),
              [...deployed, ...seen, analyses, jobs].sort(),
            ),
            ...same(
              // Whose members could make tokens of the role.
              `${team}: groups`,
              roles.map(({ groups = [] }: { groups?: string[] }) => groups),
              [[]],
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
    mutations: [
      {
        what: "the namespaces of all services",
        file: project,
        from: "  destinations:\n    - server: https://kubernetes.default.svc\n      namespace: app-payment",
        to: "  destinations:\n    - server: https://kubernetes.default.svc\n      namespace: app-*",
        says: /payment: everything else: .*app-\*/,
      },
      {
        what: "one more kind",
        file: project,
        from: "    - group: apps\n      kind: ReplicaSet\n",
        to: "    - group: apps\n      kind: ReplicaSet\n    - group: networking.k8s.io\n      kind: NetworkPolicy\n",
        says: /payment: kinds: .*NetworkPolicy/,
      },
      {
        what: "cluster-scoped kinds",
        file: project,
        from: "clusterResourceWhitelist: []",
        to: 'clusterResourceWhitelist: [{group: "*", kind: "*"}]',
        says: /payment: everything else: .*"kind":"\*"/,
      },
      {
        what: "a group in the role, whose members can make tokens that last",
        file: project,
        from: "      policies:\n",
        to: "      groups: [payment]\n      policies:\n",
        says: /payment: groups: \[\["payment"\]\]/,
      },
      {
        what: "the platform's deployer",
        file: project,
        from: "argocd-deployers:payment",
        to: "argocd-deployers:platform",
        says: /payment: everything else: .*argocd-deployers:platform/,
      },
      {
        what: "one more repository",
        file: "clusters/repository/kustomization.yaml",
        from: `value: [https://github.com/${here.nameOnGitHub}.git]`,
        to: `value: [https://github.com/${here.nameOnGitHub}.git, "*"]`,
        says: /payment: everything else: .*"sourceRepos":2/,
      },
    ],
  },
  {
    title: "The platform's projects allow the kinds that they deploy, and no others",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const platform = await repository.platform(environment);
        const argocd = await repository.render(`clusters/${environment}/argocd`);
        const monitoring = await repository.monitoring(environment);
        const rollouts = await repository.rollouts(environment);
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
          ...allows(`${environment}: rollouts`, project("rollouts"), rollouts, {
            namespaces: ["rollouts"],
            pattern: (name) => name,
            seen,
          }),
          ...(monitoring.length === 0
            ? []
            : allows(`${environment}: monitoring`, project("monitoring"), monitoring, {
                namespaces: ["monitoring"],
                pattern: (name) => name,
                seen,
              })),
        ];
      }),
    mutations: [
      {
        what: "one more kind, Role",
        file: "argocd/projects/platform.yaml",
        from: "    - group: rbac.authorization.k8s.io\n      kind: RoleBinding\n",
        to: "    - group: rbac.authorization.k8s.io\n      kind: RoleBinding\n    - group: rbac.authorization.k8s.io\n      kind: Role\n",
        says: /testing: platform: kinds: .*\/Role"/,
      },
      {
        what: "a ClusterRoleBinding of any name",
        file: "argocd/projects/platform.yaml",
        from: "      name: issuer-keys-for-anyone\n",
        to: "",
        says: /testing: platform: cluster's names/,
      },
      {
        what: "a ClusterRole of any name for Argo CD",
        file: "argocd/projects/argocd.yaml",
        from: "      kind: ClusterRole\n      name: argocd-*\n",
        to: "      kind: ClusterRole\n",
        says: /testing: argocd: cluster's names/,
      },
      {
        what: "a ClusterRole of any name for what watches releases",
        file: "argocd/projects/rollouts.yaml",
        from: "      name: argo-rollouts-releases\n",
        to: "",
        says: /testing: rollouts: cluster's names/,
      },
      {
        what: "Secrets for what collects metrics",
        file: "argocd/projects/monitoring.yaml",
        from: '    - group: ""\n      kind: ServiceAccount\n',
        to: '    - group: ""\n      kind: ServiceAccount\n    - group: ""\n      kind: Secret\n',
        says: /testing: monitoring: kinds: .*\/Secret"/,
      },
    ],
  },
  {
    title: "Nothing may use the default project",
    check: (repository) =>
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
    mutations: [
      {
        what: "an open default project",
        file: "argocd/projects/default.yaml",
        from: "  destinations: []",
        to: '  destinations: [{server: "*", namespace: "*"}]',
        says: /testing: default/,
      },
    ],
  },
  {
    title: "Nothing is pruned whose removal would remove everything else",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const options = "argocd.argoproj.io/sync-options";
        const isRelease = (kind: string) => /^(CustomResourceDefinition|Namespace)$/.test(kind);
        const manifests = [
          ...(await repository.platform(environment)).filter(
            ({ kind, metadata }) => kind === "AppProject" || metadata.name === "root",
          ),
          ...(await repository.render(`clusters/${environment}/argocd`)).filter(({ kind }) =>
            isRelease(kind),
          ),
          ...(await repository.rollouts(environment)).filter(
            ({ kind }) => kind === "CustomResourceDefinition",
          ),
        ];
        return each(manifests, ({ kind, metadata }) =>
          same(
            `${environment}: ${kind} ${metadata.name}`,
            metadata.annotations?.[options],
            `Prune=false,Delete=false${isRelease(kind) ? ",ServerSideApply=true" : ""}`,
          ),
        );
      }),
    mutations: [
      {
        what: "CRDs that may be pruned",
        file: "argocd/kustomization.yaml",
        from: "CustomResourceDefinition|Namespace",
        to: "Namespace",
        says: /CustomResourceDefinition applications.argoproj.io: undefined/,
      },
      {
        what: "CRDs of releases that may be pruned",
        file: "clusters/base/rollouts/kustomization.yaml",
        from: "Prune=false,Delete=false,",
        to: "",
        says: /CustomResourceDefinition rollouts.argoproj.io: "ServerSideApply=true"/,
      },
      {
        what: "a root that may be pruned by itself",
        file: "clusters/testing/apps/root.yaml",
        from: "Prune=false,Delete=false",
        to: "Delete=false",
        says: /Application root: "Delete=false"/,
      },
      {
        what: "projects that may be pruned",
        file: "argocd/projects/kustomization.yaml",
        from: "Prune=false,Delete=false",
        to: "Delete=false",
        says: /AppProject payment: "Delete=false"/,
      },
    ],
  },
];
