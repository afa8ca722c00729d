import { isDeepStrictEqual } from "node:util";
import type { Manifest } from "../../tools/render/manifests.ts";
import { containers, type Fields, podSpecs, type Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const payment = "apps/payment/base/rollout.yaml";
const antaeus = "apps/antaeus/base/deployment.yaml";
const volume = "apps/antaeus/base/volume.yaml";

/** Every pod of every overlay, with the words that say which it is. */
async function podsOf(repository: Repository) {
  const all = await Promise.all(
    repository.overlays.map(async (folder) =>
      podSpecs(await repository.render(folder)).map((pod) => ({
        ...pod,
        what: `${folder}: ${pod.kind} ${pod.name}`,
      })),
    ),
  );
  return all.flat();
}

/** The pods of a CronJob, and of an analysis, serve nobody. */
const serves = ({ kind }: { kind: string }) => !["AnalysisTemplate", "CronJob"].includes(kind);

const deployments = (manifests: Manifest[]) =>
  manifests.filter(({ kind }) => ["Deployment", "Rollout"].includes(kind));

/** Whether a selector is about the pods of a Deployment. */
const selects = ({ matchLabels = {} }: Fields, deployment?: Manifest): boolean =>
  Object.entries(matchLabels).every(
    ([name, value]) => deployment?.spec.template.metadata.labels?.[name] === value,
  );

export const pods: Rule[] = [
  {
    title: "Every pod is restricted",
    check: async (repository) =>
      each(await podsOf(repository), ({ what, spec }) => [
        ...same(`${what}: token`, spec.automountServiceAccountToken, false),
        ...same(`${what}: service links`, spec.enableServiceLinks, false),
        ...unless(spec.securityContext?.runAsNonRoot === true, `${what} may run as root`),
        ...unless(spec.securityContext?.runAsUser > 0, `${what} runs as no user of its own`),
        ...same(`${what}: seccomp`, spec.securityContext?.seccompProfile, {
          type: "RuntimeDefault",
        }),
        ...["hostNetwork", "hostPID", "hostIPC"].flatMap((field) =>
          unless(!spec[field], `${what} has ${field}`),
        ),
        ...containers(spec).flatMap(({ name, securityContext }) =>
          same(`${what}, ${name}`, securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          }),
        ),
      ]),
    mutations: [
      {
        what: "a pod that may run as root",
        file: payment,
        from: "        runAsNonRoot: true\n",
        to: "",
        says: /Rollout payment may run as root/,
      },
      {
        what: "an added capability",
        file: payment,
        from: "drop: [ALL]",
        to: "drop: [ALL]\n              add: [NET_ADMIN]",
        says: /payment, payment: .*NET_ADMIN/,
      },
      {
        what: "a root file system that is writable",
        file: payment,
        from: "readOnlyRootFilesystem: true",
        to: "readOnlyRootFilesystem: false",
        says: /"readOnlyRootFilesystem":false/,
      },
      {
        what: "a pod in the node's network",
        file: payment,
        from: "      enableServiceLinks: false\n",
        to: "      enableServiceLinks: false\n      hostNetwork: true\n",
        says: /has hostNetwork/,
      },
      {
        what: "a pod with a token for the API server",
        file: antaeus,
        from: "automountServiceAccountToken: false",
        to: "automountServiceAccountToken: true",
        says: /Deployment antaeus: token: true/,
      },
      {
        what: "a pod without a seccomp profile",
        file: payment,
        from: "type: RuntimeDefault",
        to: "type: Unconfined",
        says: /seccomp: .*Unconfined/,
      },
    ],
  },
  {
    title: "Every container is probed at a port that it opens",
    check: async (repository) =>
      each((await podsOf(repository)).filter(serves), ({ what, spec }) =>
        each(spec.containers, (container: Fields) =>
          each(["startupProbe", "readinessProbe", "livenessProbe"], (probe) => {
            const ports = (container.ports ?? []).map(({ name }: { name: string }) => name);
            return unless(
              ports.includes(container[probe]?.httpGet?.port),
              `${what}, ${container.name}: no ${probe} at one of its ports`,
            );
          }),
        ),
      ),
    mutations: [
      {
        what: "a container without a readiness probe",
        file: payment,
        from: "readinessProbe:",
        to: "terminationMessagePolicy: File\n          lifecycle:\n            postStart:",
        says: /payment, payment: no readinessProbe/,
      },
      {
        what: "probes of a port that does not exist",
        file: payment,
        from: "- name: http\n              containerPort: 9000",
        to: "- name: web\n              containerPort: 9000",
        says: /payment, payment: no livenessProbe at one of its ports/,
      },
    ],
  },
  {
    title: "Every container has requests and limits",
    check: async (repository) =>
      each(await podsOf(repository), ({ what, spec }) =>
        each(containers(spec), ({ name, resources = {} }) =>
          each(["requests", "limits"], (kind) =>
            each(["cpu", "memory"], (resource) =>
              unless(resources[kind]?.[resource], `${what}, ${name}: no ${kind} of ${resource}`),
            ),
          ),
        ),
      ),
    mutations: [
      {
        what: "a container without limits",
        file: payment,
        from: '            limits:\n              cpu: "1"\n              memory: 192Mi\n',
        to: "",
        says: /payment, payment: no limits of memory/,
      },
      {
        what: "a container without a request of memory",
        file: antaeus,
        from: "              memory: 128Mi\n",
        to: "",
        says: /antaeus, antaeus: no requests of memory/,
      },
    ],
  },
  {
    title:
      "A new version leaves no gap, and a Deployment that writes a volume has one pod at a time",
    check: async (repository) =>
      each(repository.overlays, async (folder) =>
        each(deployments(await repository.render(folder)), ({ kind, metadata, spec }) => {
          const what = `${folder}: ${metadata.name}`;
          const pod = spec.template.spec;
          const writes = (pod.volumes ?? []).some(
            (volume: object) => "persistentVolumeClaim" in volume,
          );
          const { strategy = {}, progressDeadlineSeconds } = spec;
          return [
            ...unless(progressDeadlineSeconds <= 300, `${what}: a stuck rollout is not reported`),
            // What a service takes to be forgotten and to finish, its DRAIN_SECONDS and 10 more, and some; and after
            // that Litestream's shutdown-sync-timeout.
            ...unless(
              pod.terminationGracePeriodSeconds >= (pod.initContainers ? 40 : 20),
              `${what}: a pod is killed before it finished`,
            ),
            ...(writes
              ? [
                  ...same(
                    `${what}: pods that write`,
                    [spec.replicas, strategy.type],
                    [1, "Recreate"],
                  ),
                  ...same(
                    `${what}: a pod beside one that ends`,
                    pod.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
                    [
                      {
                        topologyKey: "kubernetes.io/hostname",
                        labelSelector: spec.selector,
                        matchLabelKeys: ["pod-template-hash"],
                      },
                    ],
                  ),
                ]
              : kind === "Rollout"
                ? // By then every node has been told that the new pods have the Service.
                  unless(
                    strategy.blueGreen?.scaleDownDelaySeconds >= 10,
                    `${what}: old pods end before they are forgotten`,
                  )
                : same(`${what}: maxUnavailable`, strategy.rollingUpdate?.maxUnavailable, 0)),
          ];
        }),
      ),
    mutations: [
      {
        what: "old pods that end while some nodes still lead to them",
        file: payment,
        from: "scaleDownDelaySeconds: 10",
        to: "scaleDownDelaySeconds: 1",
        says: /payment: old pods end before they are forgotten/,
      },
      {
        what: "an Antaeus of many pods that is taken away first",
        file: antaeus,
        from: "          persistentVolumeClaim:\n            claimName: antaeus\n",
        to: "          emptyDir: {}\n",
        says: /antaeus: maxUnavailable: undefined, not 0/,
      },
      {
        what: "two pods that write one volume",
        file: antaeus,
        from: "    type: Recreate\n",
        to: "    type: RollingUpdate\n",
        says: /antaeus: pods that write: \[1,"RollingUpdate"\]/,
      },
      {
        what: "a pod that writes beside one that is deleted, and ends",
        file: antaeus,
        from: "              matchLabelKeys: [pod-template-hash]\n",
        to: "              matchLabelKeys: []\n",
        says: /antaeus: a pod beside one that ends/,
      },
      {
        what: "a grace period that is shorter than a drain",
        file: payment,
        from: "terminationGracePeriodSeconds: 30",
        to: "terminationGracePeriodSeconds: 5",
        says: /payment: a pod is killed before it finished/,
      },
      {
        what: "a grace period in which the backup does not get all",
        file: "apps/antaeus/components/backup/deployment.yaml",
        from: "terminationGracePeriodSeconds: 45",
        to: "terminationGracePeriodSeconds: 30",
        says: /antaeus: a pod is killed before it finished/,
      },
    ],
  },
  {
    title: "A Deployment or Rollout has either an autoscaler or a number of replicas",
    check: async (repository) =>
      each(repository.overlays, async (folder) => {
        const manifests = await repository.render(folder);
        const scaled = manifests
          .filter(({ kind }) => kind === "HorizontalPodAutoscaler")
          .map(({ spec }) => spec.scaleTargetRef);
        return each(deployments(manifests), ({ apiVersion, kind, metadata: { name }, spec }) =>
          unless(
            scaled.filter((one) => isDeepStrictEqual(one, { apiVersion, kind, name })).length ===
              (spec.replicas === undefined ? 1 : 0),
            `${folder}: ${name} has ${spec.replicas} replicas in Git and ${scaled.length} autoscalers`,
          ),
        );
      }),
    mutations: [
      {
        what: "a number of replicas beside an autoscaler",
        file: payment,
        from: "spec:\n  revisionHistoryLimit",
        to: "spec:\n  replicas: 2\n  revisionHistoryLimit",
        says: /payment has 2 replicas in Git and 1 autoscalers/,
      },
      {
        what: "two autoscalers that pull at one Deployment",
        file: "apps/payment/base/autoscaler.yaml",
        from: "          averageUtilization: 70\n",
        to: "          averageUtilization: 70\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: payment-other\nspec:\n  scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: payment}\n  minReplicas: 2\n  maxReplicas: 8\n",
        says: /payment has undefined replicas in Git and 2 autoscalers/,
      },
      {
        what: "an autoscaler of a Deployment that is a Rollout by now",
        file: "apps/payment/base/autoscaler.yaml",
        from: "    apiVersion: argoproj.io/v1alpha1\n    kind: Rollout\n",
        to: "    apiVersion: apps/v1\n    kind: Deployment\n",
        says: /payment has undefined replicas in Git/,
      },
      {
        what: "neither an autoscaler nor a number of replicas",
        file: "apps/payment/base/kustomization.yaml",
        from: "  - autoscaler.yaml\n",
        to: "",
        says: /payment has undefined replicas in Git and 0 autoscalers/,
      },
    ],
  },
  {
    title: "A drain of a node leaves a pod of each scaled Deployment",
    check: async (repository) =>
      each(repository.overlays, async (folder) => {
        const manifests = await repository.render(folder);
        const budgets = manifests.filter(({ kind }) => kind === "PodDisruptionBudget");
        return each(
          manifests.filter(({ kind }) => kind === "HorizontalPodAutoscaler"),
          ({ spec: { scaleTargetRef, minReplicas } }) => {
            const { name } = scaleTargetRef;
            const pods = deployments(manifests).find(({ metadata }) => metadata.name === name);
            const [budget, ...more] = budgets.filter(({ spec }) => selects(spec.selector, pods));
            return [
              // Of two budgets Kubernetes takes neither.
              ...same(`${folder}: no drain ends, by other budgets of ${name}`, more.length, 0),
              ...unless(minReplicas >= 2, `${folder}: one pod of ${name} may be all of them`),
              ...unless(budget, `${folder}: a drain may take every pod of ${name}`),
              ...same(`${folder}: ${name} without`, budget?.spec.maxUnavailable, 1),
            ];
          },
        );
      }),
    mutations: [
      {
        what: "an autoscaler that goes down to one pod",
        file: "apps/payment/base/autoscaler.yaml",
        from: "minReplicas: 2",
        to: "minReplicas: 1",
        says: /one pod of payment may be all of them/,
      },
      {
        what: "a disruption budget of other pods",
        file: "apps/payment/base/disruption-budget.yaml",
        from: "      app.kubernetes.io/name: payment",
        to: "      app.kubernetes.io/component: payment",
        says: /a drain may take every pod of payment/,
      },
      {
        what: "a second disruption budget of the same pods",
        file: "apps/payment/base/disruption-budget.yaml",
        from: "    matchLabels:\n      app.kubernetes.io/name: payment\n",
        to: "    matchLabels:\n      app.kubernetes.io/name: payment\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: payment-other\nspec:\n  maxUnavailable: 1\n  selector: {}\n",
        says: /no drain ends, by other budgets of payment: 1, not 0/,
      },
      {
        what: "a disruption budget of two pods at once",
        file: "apps/payment/base/disruption-budget.yaml",
        from: "maxUnavailable: 1",
        to: "maxUnavailable: 2",
        says: /payment without: 2, not 1/,
      },
    ],
  },
  {
    title:
      "A changed ConfigMap is another one, so that the pods roll, and the old one stays while they do",
    check: async (repository) =>
      each(repository.overlays, async (folder) => {
        const manifests = await repository.render(folder);
        return each(
          manifests.filter(({ kind }) => kind === "ConfigMap"),
          ({ metadata: { name, annotations } }) => [
            ...unless(/-[a-z0-9]{10}$/.test(name), `${folder}: ${name} has no hash of its content`),
            ...same(
              `${folder}: sync options of ${name}`,
              annotations?.["argocd.argoproj.io/sync-options"],
              "PruneLast=true",
            ),
          ],
        );
      }),
    mutations: [
      {
        what: "a ConfigMap without a hash of its content",
        file: "apps/payment/base/kustomization.yaml",
        from: "labels:\n",
        to: "generatorOptions:\n  disableNameSuffixHash: true\nconfigMapGenerator:\n  - name: payment-limits\n    literals: [PAYMENT_A=b]\nlabels:\n",
        says: /payment-limits has no hash/,
      },
      {
        what: "a ConfigMap that is pruned while pods need it",
        file: "apps/payment/base/kustomization.yaml",
        from: "labels:\n",
        to: "configMapGenerator:\n  - name: payment-limits\n    literals: [PAYMENT_A=b]\nlabels:\n",
        says: /sync options of payment-limits-\w+: undefined/,
      },
    ],
  },
  {
    title: "Volumes outlive their manifests",
    check: async (repository) =>
      each(repository.overlays, async (folder) => {
        const manifests = await repository.render(folder);
        return each(
          manifests.filter(({ kind }) => kind === "PersistentVolumeClaim"),
          ({ metadata }) =>
            same(
              `${folder}: volume ${metadata.name}`,
              metadata.annotations?.["argocd.argoproj.io/sync-options"],
              "Prune=false,Delete=false",
            ),
        );
      }),
    mutations: [
      {
        what: "a volume that may be pruned",
        file: volume,
        from: "Prune=false,Delete=false",
        to: "Delete=false",
        says: /volume antaeus: "Delete=false"/,
      },
    ],
  },
];
