import { each, type Rule, same, unless } from "./rule.ts";

const namespace = "clusters/base/namespaces/app-payment/namespace.yaml";

export const namespaces: Rule[] = [
  {
    title: "Every service has its own namespace, which is restricted and never pruned",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        const kubernetes = repository.tools.get("kubectl")?.replace(/\.\d+$/, "");
        const found = manifests.filter(({ kind }) => kind === "Namespace");
        return [
          ...same(
            `${environment}: namespaces`,
            found.map(({ metadata }) => metadata.name).sort(),
            repository.services.map((service) => `app-${service}`),
          ),
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
              `${environment}: ${name}`,
              annotations["argocd.argoproj.io/sync-options"],
              "Prune=false,Delete=false",
            ),
          ])),
        ];
      }),
    mutations: [
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
    title: "Quotas allow no more node ports than the services have",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        return each(repository.services, async (service) => {
          const workload = await repository.workload(service, environment);
          const doors = workload
            .filter(({ kind, spec }) => kind === "Service" && spec.type === "NodePort")
            .flatMap(({ spec }) => spec.ports).length;
          const quota = manifests.find(
            ({ kind, metadata }) =>
              kind === "ResourceQuota" && metadata.namespace === `app-${service}`,
          );
          const { pods, ...others } = quota?.spec.hard ?? {};
          return [
            ...unless(Number(pods) > 0, `${environment}: ${service} may make pods without end`),
            ...same(`${environment}: the quota of ${service}`, others, {
              "services.nodeports": `${doors}`,
              "services.loadbalancers": "0",
            }),
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
        says: /payment may make pods without end/,
      },
    ],
  },
];
