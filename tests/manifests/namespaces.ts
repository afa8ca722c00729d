import { each, type Rule, same, unless } from "./rule.ts";

const namespace = "clusters/base/namespaces/app-payment/namespace.yaml";

/**
 * What a quota has a limit for. Not Rollouts: Kubernetes refuses a kind that is counted for minutes after it has learnt of it.
 * Their pods are counted.
 */
const counted = [
  ...[
    "count/configmaps",
    "count/cronjobs.batch",
    "count/deployments.apps",
    "count/horizontalpodautoscalers.autoscaling",
  ],
  ...["count/jobs.batch", "count/poddisruptionbudgets.policy", "count/services", "limits.cpu"],
  ...[
    "limits.ephemeral-storage",
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "requests.cpu",
  ],
  ...["requests.ephemeral-storage", "requests.memory", "requests.storage"],
  ...["services.loadbalancers", "services.nodeports"],
];

export const namespaces: Rule[] = [
  {
    title:
      "Every service, Prometheus and Argo Rollouts have their own namespace, which is restricted and never pruned",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const monitoring = await repository.monitoring(environment);
        const manifests = [
          ...(await repository.platform(environment)),
          ...monitoring,
          ...(await repository.rollouts(environment)),
        ];
        const kubernetes = repository.tools.get("kubectl")?.replace(/\.\d+$/, "");
        const found = manifests.filter(({ kind }) => kind === "Namespace");
        return [
          ...same(`${environment}: namespaces`, found.map(({ metadata }) => metadata.name).sort(), [
            ...repository.services.map((service) => `app-${service}`),
            ...(monitoring.length ? ["monitoring"] : []),
            "rollouts",
          ]),
          ...(await each(found, ({ metadata: { name, labels = {}, annotations = {} } }) => [
            ...same(
              `${environment}: the level of ${name}`,
              [
                labels["pod-security.kubernetes.io/enforce"],
                labels["pod-security.kubernetes.io/enforce-version"],
              ],
              ["restricted", `v${kubernetes}`],
            ),
            ...same(
              `${environment}: ${name} is a service's`,
              labels["service-namespace"] === "true",
              name.startsWith("app-"),
            ),
            ...same(
              `${environment}: ${name}`,
              annotations["argocd.argoproj.io/sync-options"],
              "Prune=false,Delete=false",
            ),
          ])),
        ];
      }),
    mutations: [
      {
        what: "a service's namespace that nobody scrapes",
        file: namespace,
        from: '    service-namespace: "true"\n',
        to: "",
        says: /app-payment is a service's: false/,
      },
      {
        what: "Prometheus below restricted",
        file: "clusters/base/monitoring/namespace.yaml",
        from: "enforce: restricted",
        to: "enforce: privileged",
        says: /testing: the level of monitoring: \["privileged"/,
      },
      {
        what: "a level below restricted",
        file: namespace,
        from: "enforce: restricted",
        to: "enforce: baseline",
        says: /the level of app-payment: \["baseline"/,
      },
      {
        what: "a level without a version",
        file: namespace,
        from: "pod-security.kubernetes.io/enforce-version",
        to: "somebody.example/enforce-version",
        says: /the level of app-payment/,
      },
      {
        what: "a namespace that may be pruned with all its objects",
        file: namespace,
        from: "    argocd.argoproj.io/sync-options: Prune=false,Delete=false\n",
        to: "    a: b\n",
        says: /app-payment: undefined, not "Prune=false,Delete=false"/,
      },
    ],
  },
  {
    title:
      "Quotas count all that a team can fill a cluster with, and allow no more node ports than the services have",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        return each(repository.services, async (service) => {
          const workload = await repository.workload(service, environment);
          const doors = workload
            .filter(({ kind, spec }) => kind === "Service" && spec.type === "NodePort")
            .flatMap(({ spec }) => spec.ports).length;
          const own = (wanted: string) =>
            manifests.find(
              ({ kind, metadata: { name, namespace } }) =>
                kind === wanted && name === "limits" && namespace === `app-${service}`,
            )?.spec;
          const { hard = {} } = own("ResourceQuota") ?? {};
          return [
            ...same(
              `${environment}: the quota of ${service} counts`,
              Object.keys(hard).sort(),
              counted,
            ),
            ...same(
              `${environment}: the quota of ${service}`,
              [hard["services.nodeports"], hard["services.loadbalancers"]],
              [`${doors}`, "0"],
            ),
            // The quota refuses a container without them.
            ...same(
              `${environment}: what a container of ${service} gets and may ask for`,
              Object.keys(own("LimitRange")?.limits[0] ?? {}).sort(),
              ["default", "defaultRequest", "max", "type"],
            ),
            ...unless(
              manifests.some(
                ({ kind, metadata: { name, namespace } }) =>
                  kind === "ResourceQuota" &&
                  name === "no-system-priority" &&
                  namespace === `app-${service}`,
              ),
              `${environment}: pods of ${service} may evict the node's own`,
            ),
          ];
        });
      }),
    mutations: [
      {
        what: "a node port for payment",
        file: "clusters/base/namespaces/app-payment/quota.yaml",
        from: 'services.nodeports: "0"',
        to: 'services.nodeports: "1"',
        says: /the quota of payment/,
      },
      {
        what: "a quota without a limit of pods",
        file: "clusters/base/namespaces/app-payment/quota.yaml",
        from: '    pods: "20"\n',
        to: "",
        says: /the quota of payment counts/,
      },
      {
        what: "a quota without a limit of memory",
        file: "clusters/base/namespaces/app-payment/quota.yaml",
        from: "    limits.memory: 5Gi\n",
        to: "",
        says: /the quota of payment counts/,
      },
      {
        what: "a namespace whose pods may evict the node's own",
        file: "clusters/base/namespaces/app-payment/kustomization.yaml",
        from: "  - ../limits\n",
        to: "",
        says: /pods of payment may evict the node's own/,
      },
    ],
  },
];
