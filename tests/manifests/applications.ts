import { each, type Rule, same, unless } from "./rule.ts";

const sync = "clusters/base/sync/application.yaml";
const root = "clusters/base/sync/root.yaml";

const automated = {
  group: "argoproj.io",
  kind: "Application",
  jsonPointers: ["/spec/syncPolicy/automated"],
};

export const applications: Rule[] = [
  {
    title: "Each service has an Application, and each Application reads a folder that exists",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const found = await repository.applications(environment);
        const names = found.map(({ metadata }) => metadata.name).sort();
        const monitoring = (await repository.monitoring(environment)).length ? ["monitoring"] : [];
        return [
          ...same(
            `${environment}: Applications`,
            names,
            [...repository.services, ...monitoring, "argocd", "rollouts", "root"].sort(),
          ),
          ...(await each(found, ({ spec }) =>
            unless(
              repository.entryPoints.includes(spec.source.path),
              `${environment}: there is no ${spec.source.path}`,
            ),
          )),
        ];
      }),
    mutations: [
      {
        what: "a service that production does not deploy",
        file: "clusters/production/apps/kustomization.yaml",
        from: "  - payment.yaml\n",
        to: "",
        says: /production: Applications/,
      },
      {
        what: "a folder that does not exist",
        file: "clusters/testing/apps/payment.yaml",
        from: "overlays/testing",
        to: "overlays/tseting",
        says: /there is no apps\/payment\/overlays\/tseting/,
      },
    ],
  },
  {
    title:
      "Applications sync, self-heal, prune and retry automatically, always to the newest commit",
    check: (repository) =>
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
    mutations: [
      {
        what: "prune switched off",
        file: sync,
        from: "prune: true",
        to: "prune: false",
        says: /payment syncs: .*"prune":false/,
      },
      {
        what: "self-heal switched off",
        file: sync,
        from: "selfHeal: true",
        to: "selfHeal: false",
        says: /payment syncs: .*"selfHeal":false/,
      },
      {
        what: "auto-sync that may delete everything",
        file: sync,
        from: "selfHeal: true\n",
        to: "selfHeal: true\n      allowEmpty: true\n",
        says: /payment syncs: .*"allowEmpty":true/,
      },
      {
        what: "retries that continue with an older commit",
        file: sync,
        from: "      refresh: true\n",
        to: "",
        says: /payment retries/,
      },
    ],
  },
  {
    title: "Only the root ignores differences, and only in auto-sync",
    check: (repository) =>
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
    mutations: [
      {
        what: "a sync that undoes what the root ignores",
        file: root,
        from: "      - RespectIgnoreDifferences=true\n",
        to: "",
        says: /root: sync options/,
      },
      {
        what: "a root that ignores the whole spec of Applications",
        file: root,
        from: "/spec/syncPolicy/automated",
        to: "/spec",
        says: /root ignores/,
      },
      {
        what: "an Application that ignores its Deployment",
        file: "clusters/testing/apps/payment.yaml",
        from: "spec:\n",
        to: "spec:\n  ignoreDifferences:\n    - kind: Deployment\n      group: apps\n      jsonPointers: [/spec]\n",
        says: /payment ignores/,
      },
      {
        what: "two Applications that may share an object",
        file: sync,
        from: "FailOnSharedResource=true",
        to: "FailOnSharedResource=false",
        says: /payment: sync options/,
      },
    ],
  },
  {
    title: "An Application that is deleted by mistake leaves its objects running",
    check: (repository) =>
      each(repository.environments, async (environment) =>
        each(
          await repository.applications(environment),
          ({ metadata: { name, finalizers = [] } }) =>
            same(`${environment}: finalizers of ${name}`, finalizers, []),
        ),
      ),
    mutations: [
      {
        what: "a finalizer on the root",
        file: "clusters/testing/apps/root.yaml",
        from: "  annotations:\n",
        to: "  finalizers: [resources-finalizer.argocd.argoproj.io]\n  annotations:\n",
        says: /finalizers of root/,
      },
    ],
  },
];
