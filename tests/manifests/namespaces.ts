import { check, each, type Rule, same } from "./rule.ts";

export const namespaces: Record<string, Rule> = {
  "every service has a namespace of its own, restricted and never pruned": (repository) =>
    each(repository.environments, async (environment) => {
      const manifests = await repository.platform(environment);
      const kubernetes = /^kubectl (\d+\.\d+)/m.exec(repository.read(".tool-versions"))?.[1];
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

  "quotas open no more doors than the services have": (repository) =>
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
          ...check(Number(pods) > 0, `${environment}: ${service} may make pods without end`),
          ...same(`${environment}: the quota of ${service}`, others, {
            "services.nodeports": `${doors}`,
            "services.loadbalancers": "0",
          }),
        ];
      });
    }),
};
