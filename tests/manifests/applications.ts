import { check, each, type Rule, same } from "./rule.ts";

const automated = {
  group: "argoproj.io",
  kind: "Application",
  jsonPointers: ["/spec/syncPolicy/automated"],
};

export const applications: Record<string, Rule> = {
  "an Application for each service, and each reads a folder that is there": (repository) =>
    each(repository.environments, async (environment) => {
      const found = await repository.applications(environment);
      const names = found.map(({ metadata }) => metadata.name).sort();
      return [
        ...same(
          `${environment}: Applications`,
          names,
          [...repository.services, "argocd", "root"].sort(),
        ),
        ...(await each(found, ({ spec }) =>
          check(
            repository.entryPoints.includes(spec.source.path),
            `${environment}: there is no ${spec.source.path}`,
          ),
        )),
      ];
    }),

  "Applications sync, heal, prune and retry by themselves, the newest commit first": (repository) =>
    each(repository.environments, async (environment) =>
      each(await repository.applications(environment), ({ metadata: { name }, spec }) => {
        const { automated, retry } = spec.syncPolicy ?? {};
        const what = `${environment}: ${name}`;
        return [
          ...same(`${what} syncs`, automated, { prune: true, selfHeal: true }),
          ...same(`${what} retries`, [retry?.limit, retry?.refresh], [5, true]),
        ];
      }),
    ),

  "only auto-sync may differ from Git, and only the root looks away": (repository) =>
    each(repository.environments, async (environment) =>
      each(await repository.applications(environment), ({ metadata: { name }, spec }) => {
        const isRoot = name === "root";
        const what = `${environment}: ${name}`;
        return [
          ...same(`${what} ignores`, spec.ignoreDifferences ?? [], isRoot ? [automated] : []),
          ...same(`${what}: sync options`, spec.syncPolicy?.syncOptions, [
            "FailOnSharedResource=true",
            ...(isRoot ? ["RespectIgnoreDifferences=true"] : []),
          ]),
        ];
      }),
    ),

  "an Application deleted by mistake leaves everything running": (repository) =>
    each(repository.environments, async (environment) =>
      each(await repository.applications(environment), ({ metadata: { name, finalizers = [] } }) =>
        same(`${environment}: finalizers of ${name}`, finalizers, []),
      ),
    ),
};
