import type { Manifest } from "../../tools/render/manifests.ts";
import { deployed } from "./projects.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const role = "argocd/deployers/team-role.yaml";
const impersonation = "argocd/deployers/impersonation.yaml";

const write = ["create", "delete", "get", "list", "patch", "update", "watch"];
const look = ["get", "list", "watch"];

/** Kubernetes' name for a kind's resource: apps/deployments. */
const resource = (kind: string) => `${kind.toLowerCase()}s`;

/** Argo's own kind. */
const argo = (resource: string) => `argoproj.io/${resource}`;

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

export const deployers: Rule[] = [
  {
    title: "A team's deployer may deploy its kinds, read what the UI shows, and nothing more",
    check: async (repository) => {
      const role = (await repository.render("argocd/deployers")).find(
        ({ kind }) => kind === "ClusterRole",
      );
      const expected = Object.fromEntries(
        [
          ...deployed.map((kind) => [resource(kind), write]),
          // By a CronJob's action in the UI.
          ["batch/jobs", [...look, "create"].sort()],
          ["batch/cronjobs/finalizers", ["update"]],
          // By a Rollout's actions there.
          [argo("rollouts/status"), ["patch"]],
          ...[...["/events", "/pods", "/pods/log", "apps/replicasets"], argo("analysisruns")].map(
            (name) => [name, look],
          ),
        ].sort() as [string, string[]][],
      );
      return same("argocd-deployer-team", verbs(role?.rules ?? []), expected);
    },
    mutations: [
      {
        what: "one more verb",
        file: role,
        from: "    resources: [replicasets]\n    verbs: [get, list, watch]",
        to: "    resources: [replicasets]\n    verbs: [get, list, watch, delete]",
        says: /"apps\/replicasets":\["delete",/,
      },
      {
        what: "access to Secrets",
        file: role,
        from: "resources: [events, pods, pods/log]",
        to: "resources: [events, pods, pods/log, secrets]",
        says: /"\/secrets"/,
      },
      {
        what: "shells in pods",
        file: role,
        from: "resources: [deployments]",
        to: 'resources: [deployments]\n    verbs: [get]\n  - apiGroups: [""]\n    resources: [pods/exec]',
        says: /"\/pods\/exec"/,
      },
    ],
  },
  {
    title: "Every role is bound in its place, to its subject, and to nobody else",
    check: async (repository) => [
      ...same("argocd/deployers", bindings(await repository.render("argocd/deployers")), [
        "argocd-deployers/platform has cluster-admin in the cluster",
        "argocd/argocd-application-controller and argocd/argocd-server has argocd-impersonation in argocd-deployers",
        "argocd/argocd-application-controller has argocd-impersonation-platform in argocd-deployers",
      ]),
      ...(await each(repository.environments, async (environment) =>
        same(environment, bindings(await repository.platform(environment)), [
          ...repository.services.map(
            (team) => `argocd-deployers/${team} has argocd-deployer-team in app-${team}`,
          ),
          ...repository.services.map(
            (team) => `monitoring/prometheus has monitoring-discovery in app-${team}`,
          ),
          ...repository.services.map(
            (team) => `rollouts/argo-rollouts has argo-rollouts-releases in app-${team}`,
          ),
          "system:unauthenticated has system:service-account-issuer-discovery in the cluster",
        ]),
      )),
    ],
    mutations: [
      {
        what: "a team's deployer in another team's namespace",
        file: "clusters/base/namespaces/app-payment/deployer.yaml",
        from: "    name: payment\n",
        to: "    name: antaeus\n",
        says: /argocd-deployers\/antaeus has argocd-deployer-team in app-payment/,
      },
      {
        what: "a team's deployer as administrator of its namespace",
        file: "clusters/base/namespaces/app-payment/deployer.yaml",
        from: "name: argocd-deployer-team",
        to: "name: admin",
        says: /argocd-deployers\/payment has admin in app-payment/,
      },
      {
        what: "another role for unauthenticated users",
        file: "clusters/base/namespaces/app-payment/issuer.yaml",
        from: "name: system:service-account-issuer-discovery",
        to: "name: view",
        says: /system:unauthenticated has view in the cluster/,
      },
    ],
  },
  {
    title: "Argo CD itself reads the cluster, and changes nothing outside of its namespace",
    check: (repository) =>
      each(["local", ...repository.environments], async (cluster) => {
        const manifests = await repository.render(`clusters/${cluster}/argocd`);
        const verbs = manifests
          .filter(({ kind }) => kind === "ClusterRole")
          .map(({ metadata: { name }, rules }) => [
            name,
            [...new Set(rules.flatMap(({ verbs }: Granted) => verbs))].sort().join(),
          ]);
        return [
          ...same(`${cluster}: ClusterRoles`, Object.fromEntries(verbs), {
            "argocd-application-controller": "get,list,watch",
            "argocd-deployer-team": "create,delete,get,list,patch,update,watch",
          }),
          ...same(
            `${cluster}: bound in the cluster`,
            bindings(manifests).filter((binding) => binding.endsWith("in the cluster")),
            [
              "argocd-deployers/platform has cluster-admin in the cluster",
              "argocd/argocd-application-controller has argocd-application-controller in the cluster",
            ],
          ),
        ];
      }),
    mutations: [
      {
        what: "a controller that may change everything, as the release has it",
        file: "argocd/install/kustomization.yaml",
        from: "  - path: controller.yaml\n",
        to: "",
        says: /ClusterRoles: .*"argocd-application-controller":"\*"/,
      },
      {
        what: "a server that may delete everything, as the release has it",
        file: "argocd/install/kustomization.yaml",
        from: "  - path: unused.yaml\n",
        to: "",
        says: /ClusterRoles: .*"argocd-server":/,
      },
    ],
  },
  {
    title:
      "Argo Rollouts reads no Secret of the cluster, and writes what a release is made of, where a service's namespace lets it",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.rollouts(environment);
        const roles = manifests
          .filter(({ kind }) => kind === "ClusterRole")
          .map(({ metadata: { name }, rules }) => [name, verbs(rules)]);
        const read = [...look].sort();
        return [
          ...same(`${environment}: ClusterRoles of Argo Rollouts`, Object.fromEntries(roles), {
            "argo-rollouts": Object.fromEntries(
              [
                ...["/pods", "/services", "apps/deployments", "apps/replicasets"],
                ...["analysisruns", "analysistemplates", "clusteranalysistemplates"].map(argo),
                ...["experiments", "rollouts"].map(argo),
                ...["batch/jobs", "networking.k8s.io/ingresses"],
              ].map((name) => [name, read]),
            ),
            "argo-rollouts-releases": {
              "/events": ["create", "patch"],
              "/services": ["patch"],
              "apps/replicasets": ["create", "delete", "patch", "update"],
              "argoproj.io/analysisruns": ["create", "delete", "patch", "update"],
              "argoproj.io/analysisruns/finalizers": ["update"],
              "argoproj.io/rollouts": ["patch", "update"],
              "argoproj.io/rollouts/finalizers": ["update"],
              "argoproj.io/rollouts/status": ["patch", "update"],
              "batch/jobs": ["create", "delete", "patch", "update"],
            },
          }),
          ...same(`${environment}: bound for Argo Rollouts`, bindings(manifests), [
            "rollouts/argo-rollouts has argo-rollouts in rollouts",
            "rollouts/argo-rollouts has argo-rollouts in the cluster",
          ]),
        ];
      }),
    mutations: [
      {
        what: "a controller of releases that reads every Secret, as the release has it",
        file: "clusters/base/rollouts/kustomization.yaml",
        from: "  - path: permissions.yaml\n",
        to: "",
        says: /ClusterRoles of Argo Rollouts: .*"\/secrets"/,
      },
      {
        what: "administrators of namespaces that may write releases, as the release has it",
        file: "clusters/base/rollouts/kustomization.yaml",
        from: "  - path: unused.yaml\n",
        to: "",
        says: /ClusterRoles of Argo Rollouts: .*"argo-rollouts-aggregate-to-admin"/,
      },
      {
        what: "a controller of releases that writes in every namespace",
        file: "clusters/base/rollouts/leases.yaml",
        from: "kind: RoleBinding\nmetadata:\n  name: argo-rollouts\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: argo-rollouts\n",
        to: "kind: ClusterRoleBinding\nmetadata:\n  name: argo-rollouts-releases\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: argo-rollouts-releases\n",
        says: /rollouts\/argo-rollouts has argo-rollouts-releases in the cluster/,
      },
    ],
  },
  {
    title: "Argo CD may impersonate the deployers, its server the teams', and nobody else",
    check: async (repository) => {
      const manifests = await repository.render("argocd/deployers");
      const roles = manifests.filter(({ kind }) => kind === "Role");
      const sorted = (rule: Granted) => ({
        ...rule,
        resourceNames: rule.resourceNames?.toSorted(),
      });
      const impersonate = (resourceNames: string[]) => [
        { apiGroups: [""], resources: ["serviceaccounts"], resourceNames, verbs: ["impersonate"] },
      ];
      return same(
        "roles of argocd-deployers",
        Object.fromEntries(roles.map(({ metadata, rules }) => [metadata.name, rules.map(sorted)])),
        {
          "argocd-impersonation": impersonate(repository.services),
          "argocd-impersonation-platform": impersonate(["platform"]),
        },
      );
    },
    mutations: [
      {
        what: "impersonation of another account",
        file: impersonation,
        from: "[platform]",
        to: "[platform, default]",
        says: /"default"/,
      },
      {
        what: "a server that acts as the administrator",
        file: impersonation,
        from: "      - payment\n",
        to: "      - payment\n      - platform\n",
        says: /"argocd-impersonation":.*"payment","platform"/,
      },
      {
        what: "impersonation of any account",
        file: impersonation,
        from: "    resourceNames: [platform]\n",
        to: "",
        says: /"argocd-impersonation-platform":\[\{"apiGroups":\[""\],"resources":\["serviceaccounts"\],"verbs":\["impersonate"\]\}\]/,
      },
    ],
  },
  {
    title:
      "No role of this repository has a wildcard, and no service account mounts its token by default",
    check: async (repository) => {
      const manifests = await Promise.all([
        repository.render("argocd/deployers"),
        ...repository.environments.flatMap((environment) => [
          repository.platform(environment),
          repository.monitoring(environment),
          repository.rollouts(environment),
        ]),
        ...repository.overlays.map((folder) => repository.render(folder)),
      ]);
      return each(manifests.flat(), ({ kind, metadata, rules, automountServiceAccountToken }) => [
        ...unless(
          !JSON.stringify(rules ?? []).includes('"*"'),
          `${kind} ${metadata.name}: a wildcard`,
        ),
        ...unless(
          kind !== "ServiceAccount" || automountServiceAccountToken === false,
          `${kind} ${metadata.name}: mounts its token into every pod`,
        ),
      ]);
    },
    mutations: [
      {
        what: "all verbs for a team's deployer",
        file: role,
        from: "    resources: [deployments]\n    verbs: [get, list, watch, create, update, patch, delete]",
        to: '    resources: [deployments]\n    verbs: ["*"]',
        says: /ClusterRole argocd-deployer-team: a wildcard/,
      },
      {
        what: "a service account that mounts its token",
        file: "apps/antaeus/base/service-account.yaml",
        from: "automountServiceAccountToken: false",
        to: "automountServiceAccountToken: true",
        says: /ServiceAccount antaeus: mounts its token/,
      },
    ],
  },
];
