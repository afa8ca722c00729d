import type { Manifest } from "../../tools/render/manifests.ts";
import { places } from "../access/network.ts";
import { type Fields, images, podSpecs } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const rollout = "apps/payment/base/rollout.yaml";
const analysis = "apps/payment/base/analysis.yaml";

const ofKind = (manifests: Manifest[], kind: string) =>
  manifests.filter((manifest) => manifest.kind === kind);

/** The analyses of a release, each with the template that it names and the arguments that it gives. */
const analyses = ({ spec }: Manifest): [template: string, args: string[]][] =>
  ["prePromotionAnalysis", "postPromotionAnalysis"].flatMap((phase) => {
    const { templates = [], args = [] } = spec.strategy.blueGreen?.[phase] ?? {};
    const given = args.map(({ name }: Fields) => name);
    return templates.map(({ templateName }: Fields) => [templateName, given]);
  });

export const releases: Rule[] = [
  {
    title:
      "What serves and writes no volume is released under watch: before anybody reaches it, and after",
    check: (repository) =>
      each(repository.overlays, async (overlay) => {
        const [, service = "", , environment] = overlay.split("/");
        const manifests = await repository.render(overlay);
        const unwatched = ofKind(manifests, "Deployment").filter(
          ({ spec }) => spec.strategy?.type !== "Recreate",
        );
        const [watched, ...more] = ofKind(manifests, "Rollout");
        if (more.length + unwatched.length > 0) return [`${overlay}: not all is one Rollout`];
        if (!watched) return [];
        const templates = new Map(
          ofKind(manifests, "AnalysisTemplate").map((one) => [one.metadata.name, one.spec]),
        );
        const { activeService, previewService } = watched.spec.strategy.blueGreen ?? {};
        return [
          ...same(
            `${environment}: analyses`,
            analyses(watched).map(([name]) => name),
            [`${service}-before`, `${service}-after`],
          ),
          ...(await each(analyses(watched), ([name, given]) => {
            const { args = [], metrics = [] } = (templates.get(name) ?? {}) as Fields;
            return [
              ...unless(templates.has(name), `${environment}: no AnalysisTemplate ${name}`),
              ...same(
                `${environment}: what ${name} is told`,
                given.toSorted(),
                args.map((arg: Fields) => arg.name).sort(),
              ),
              ...(metrics as Fields[]).flatMap(({ name: metric, successCondition, ...how }) => {
                const query = how.provider.prometheus?.query;
                if (!query) return [];
                const of = `${environment}: ${name}, ${metric}`;
                // Without a condition whatever comes is a success.
                return [
                  ...unless(successCondition, `${of} passes whatever is measured`),
                  ...unless(query.includes("{{args.pods}}"), `${of} is not of the new pods`),
                  // Argo Rollouts takes no such release.
                  ...unless(how.count > 0, `${of} never ends`),
                  ...unless(
                    how.consecutiveErrorLimit >= 1000,
                    `${of} takes a version for wrong when Prometheus is away`,
                  ),
                ];
              }),
            ];
          })),
          ...same(
            `${environment}: Services`,
            ofKind(manifests, "Service").map(({ metadata }) => metadata.name),
            [activeService, previewService],
          ),
        ];
      }),
    mutations: [
      {
        what: "a Deployment that nobody watches",
        file: rollout,
        from: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n",
        to: "apiVersion: apps/v1\nkind: Deployment\n",
        says: /payment\/overlays\/testing: not all is one Rollout/,
      },
      {
        what: "a release that nobody watches",
        file: rollout,
        from: "        templates:\n          - templateName: payment-after\n",
        to: "        templates: []\n",
        says: /testing: analyses: \["payment-before"\]/,
      },
      {
        what: "an analysis that is not there",
        file: analysis,
        from: "  name: payment-after\n",
        to: "  name: payment-answers\n",
        says: /no AnalysisTemplate payment-after/,
      },
      {
        what: "an analysis that is not told which pods are new",
        file: rollout,
        from: "          - name: pods-before\n            valueFrom:\n              podTemplateHashValue: Stable\n",
        to: "",
        says: /what payment-after is told: \["pods"\]/,
      },
      {
        what: "a measurement that always passes",
        file: analysis,
        from: "      successCondition: len(result) == 1 && result[0] >= 1\n",
        to: "",
        says: /payment-before, seen-by-prometheus passes whatever is measured/,
      },
      {
        what: "a measurement that never ends",
        file: analysis,
        from: "      count: 10000\n",
        to: "",
        says: /payment-before, seen-by-prometheus never ends/,
      },
      {
        what: "a measurement of all pods",
        file: analysis,
        from: 'pod_template_hash="{{args.pods}}"} == 1',
        to: "} == 1",
        says: /payment-before, seen-by-prometheus is not of the new pods/,
      },
      {
        what: "a good version that is taken back because Prometheus is away",
        file: analysis,
        from: "      consecutiveErrorLimit: 10000\n      successCondition: len(result) == 1",
        to: "      successCondition: len(result) == 1",
        says: /seen-by-prometheus takes a version for wrong when Prometheus is away/,
      },
      {
        what: "a Rollout without the Service that leads to new pods alone",
        file: rollout,
        from: "previewService: payment-preview",
        to: "previewService: payment",
        says: /testing: Services: \["payment","payment-preview"\]/,
      },
    ],
  },
  {
    title:
      "The probe is of the new image, asks the new pods, and makes charges that payment takes for synthetic",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.workload("payment", environment);
        const [watched] = ofKind(manifests, "Rollout");
        const [probe] = podSpecs(ofKind(manifests, "AnalysisTemplate"));
        const [container] = watched?.spec.template.spec.containers ?? [];
        const [{ args, env = [], volumeMounts = [] } = {} as Fields] = probe?.spec.containers ?? [];
        const variables = (list: Fields[]) =>
          Object.fromEntries(list.map(({ name, value }) => [name, value]));
        const [asked, told] = [variables(container?.env ?? []), variables(env)];
        const service = ofKind(manifests, "Service").find(
          ({ metadata }) => metadata.name === watched?.spec.strategy.blueGreen.previewService,
        );
        const [account] = ofKind(manifests, "ServiceAccount");
        const [{ projected } = {} as Fields] = probe?.spec.volumes ?? [];
        const token = projected?.sources[0].serviceAccountToken;
        const template = ofKind(manifests, "AnalysisTemplate")
          .flatMap(({ spec }) => spec.metrics as Fields[])
          .find(({ provider }) => provider.job)?.provider.job.spec.template;
        return [
          ...same(
            `${environment}: images`,
            new Set(images(ofKind(manifests, "AnalysisTemplate"))),
            new Set(images(ofKind(manifests, "Rollout"))),
          ),
          ...same(`${environment}: whom the probe asks`, args, [
            "probe",
            `http://${service?.metadata.name}:${service?.spec.ports[0].port}`,
          ]),
          ...same(
            `${environment}: the labels that let it ask`,
            template?.metadata.labels,
            places.probe.labels,
          ),
          ...same(
            `${environment}: the share it expects`,
            [told.ACCEPTANCE_SHARE, container?.env[0].name],
            ["{{args.acceptance-share}}", "ACCEPTANCE_SHARE"],
          ),
          ...same(
            `${environment}: its token`,
            [token?.audience, told.PAYMENT_TOKEN_FILE],
            [asked.CALLER_AUDIENCE, `${volumeMounts[0]?.mountPath}/${token?.path}`],
          ),
          ...same(
            `${environment}: who makes synthetic charges`,
            asked.SYNTHETIC_SUBJECT,
            `system:serviceaccount:${account?.metadata.namespace}:${probe?.spec.serviceAccountName}`,
          ),
        ];
      }),
    mutations: [
      {
        what: "a probe of the pods that serve already",
        file: analysis,
        from: "http://payment-preview:9000",
        to: "http://payment:9000",
        says: /whom the probe asks: \["probe","http:\/\/payment:9000"\]/,
      },
      {
        what: "a probe of another image",
        file: analysis,
        from: "image: ghcr.io/bpesics/pe-gitops/payment\n",
        to: "image: ghcr.io/bpesics/pe-gitops/payment-original\n",
        says: /testing: images: /,
      },
      {
        what: "a probe that no policy lets through",
        file: analysis,
        from: "app.kubernetes.io/name: payment-probe",
        to: "app.kubernetes.io/name: payment-tester",
        says: /the labels that let it ask: .*payment-tester/,
      },
      {
        what: "a share at another place than the probe is told",
        file: "apps/payment/overlays/production/rollout.yaml",
        from: "          env:\n",
        to: '          env:\n            - name: DRAIN_SECONDS\n              value: "7"\n',
        says: /the share it expects: .*"DRAIN_SECONDS"/,
      },
      {
        what: "a probe whose charges are a customer's",
        file: "apps/payment/components/known-caller/rollout.yaml",
        from: "            - name: SYNTHETIC_SUBJECT\n              value: system:serviceaccount:app-payment:payment\n",
        to: "",
        says: /who makes synthetic charges: undefined/,
      },
      {
        what: "a token for another audience",
        file: analysis,
        from: "audience: payment\n",
        to: "audience: payments\n",
        says: /its token: \["payments"/,
      },
    ],
  },
];
