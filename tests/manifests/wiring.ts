import type { Manifest } from "../../tools/render/manifests.ts";
import { places } from "../access/network.ts";
import { containers, type Fields, here, podSpecs, type Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const antaeus = "apps/antaeus/base/deployment.yaml";
const service = "apps/payment/base/service.yaml";
const deployment = "apps/payment/base/rollout.yaml";

const ofKind = (manifests: Manifest[], kind: string) =>
  manifests.filter((manifest) => manifest.kind === kind);

const names = (manifests: Manifest[], kind: string) =>
  ofKind(manifests, kind).map(({ metadata }) => metadata.name);

/** Whether labels have all of a selector. */
const isSelected = (selector: Record<string, string>, labels: Record<string, string>) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** A Service's ports that no container of its pods opens. */
function deadPorts(service: Manifest, manifests: Manifest[]): string[] {
  const selected = [...ofKind(manifests, "Deployment"), ...ofKind(manifests, "Rollout")].filter(
    ({ spec }) => isSelected(service.spec.selector ?? {}, spec.template.metadata.labels),
  );
  const opened = podSpecs(selected).flatMap(({ spec }) =>
    spec.containers.flatMap((one: Fields) => one.ports ?? []),
  );
  return service.spec.ports
    .map(
      ({ targetPort, port }: { targetPort?: string | number; port: number }) => targetPort ?? port,
    )
    .filter(
      (wanted: string | number) =>
        !opened.some(({ name, containerPort }) => wanted === name || wanted === containerPort),
    );
}

/** What a container gets to know: what its ConfigMaps say, and over that its own variables. */
function environmentOf({ envFrom = [], env = [] }: Fields, manifests: Manifest[]) {
  const maps = new Map(
    ofKind(manifests, "ConfigMap").map(({ metadata, data }) => [metadata.name, data]),
  );
  return Object.assign(
    {},
    ...envFrom.map(({ configMapRef }: Fields) => maps.get(configMapRef?.name)),
    ...env.map(({ name, value }: Fields) => ({ [name]: value })),
  ) as Record<string, string>;
}

/** The environment variables of a service, of each container of its pods. */
async function environmentsOf(repository: Repository, service: string, environment: string) {
  const manifests = await repository.workload(service, environment);
  const serving = manifests.filter(({ kind }) => kind !== "AnalysisTemplate");
  const all = podSpecs(serving).flatMap(({ spec }) => containers(spec));
  return { manifests, envs: all.map((container) => environmentOf(container, manifests)) };
}

export const wiring: Rule[] = [
  {
    title: "Every Service leads to pods, and every name in a pod to an object",
    check: (repository) =>
      each(repository.overlays, async (folder) => {
        const manifests = await repository.render(folder);
        return [
          ...(await each(ofKind(manifests, "Service"), (service) =>
            same(
              `${folder}: dead ports of ${service.metadata.name}`,
              deadPorts(service, manifests),
              [],
            ),
          )),
          ...(await each(podSpecs(manifests), ({ name, spec }) => {
            const wanted = [
              ...containers(spec).flatMap(({ envFrom = [] }) =>
                envFrom
                  .filter(({ configMapRef }: Fields) => configMapRef)
                  .map(({ configMapRef }: Fields) => ["ConfigMap", configMapRef.name]),
              ),
              ...(spec.volumes ?? []).flatMap(({ persistentVolumeClaim }: Fields) =>
                persistentVolumeClaim
                  ? [["PersistentVolumeClaim", persistentVolumeClaim.claimName]]
                  : [],
              ),
              ...(spec.serviceAccountName ? [["ServiceAccount", spec.serviceAccountName]] : []),
            ] as [string, string][];
            return each(wanted, ([kind, other]) =>
              unless(
                names(manifests, kind).includes(other),
                `${folder}: ${name} wants ${kind} ${other}`,
              ),
            );
          })),
        ];
      }),
    mutations: [
      {
        what: "a target port that no container has",
        file: service,
        from: "targetPort: http",
        to: "targetPort: web",
        says: /dead ports of payment: \["web"\]/,
      },
      {
        what: "a claim that no manifest makes",
        file: antaeus,
        from: "claimName: antaeus",
        to: "claimName: invoices",
        says: /antaeus wants PersistentVolumeClaim invoices/,
      },
    ],
  },
  {
    title: "Antaeus calls payment at its address, as the caller that payment trusts",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const antaeus = await environmentsOf(repository, "antaeus", environment);
        const payment = await environmentsOf(repository, "payment", environment);
        const [{ PAYMENT_PROVIDER_ENDPOINT, PAYMENT_TOKEN_FILE } = {}] = antaeus.envs;
        const [service] = ofKind(payment.manifests, "Service");
        const { name, namespace } = service?.metadata ?? {};
        const [port] = service?.spec.ports ?? [];
        const [asked] = ofKind(antaeus.manifests, "Service");
        const [cronJob] = ofKind(antaeus.manifests, "CronJob");
        const run = cronJob?.spec.jobTemplate.spec.template;
        const [pod] = podSpecs(ofKind(antaeus.manifests, "Deployment"));
        const token = pod?.spec.volumes
          .flatMap(({ name, projected }: Fields) =>
            (projected?.sources ?? []).map((source: Fields) => ({
              name,
              ...source.serviceAccountToken,
            })),
          )
          .find(({ audience }: { audience: string }) => audience);
        const mount = pod?.spec.containers[0].volumeMounts.find(
          (one: Fields) => one.name === token?.name,
        );
        const [payer] = podSpecs(ofKind(payment.manifests, "Rollout"));
        const cas = payer?.spec.volumes?.find(
          ({ configMap }: Fields) => configMap?.name === "kube-root-ca.crt",
        );
        const ca = payer?.spec.containers[0].volumeMounts?.find(
          (one: Fields) => one.name === cas?.name,
        );
        return [
          ...same(`${environment}: whom the scheduled pay run asks`, run?.spec.containers[0].args, [
            "pay",
            `http://${asked?.metadata.name}.${asked?.metadata.namespace}:${asked?.spec.ports[0].port}`,
          ]),
          ...same(
            `${environment}: the labels that let it ask`,
            run?.metadata.labels,
            places["pay-run"].labels,
          ),
          ...same(
            `${environment}: Antaeus' endpoint`,
            PAYMENT_PROVIDER_ENDPOINT,
            `http://${name}.${namespace}:${port?.port}/api/v1/charge`,
          ),
          ...same(
            `${environment}: Antaeus' token`,
            PAYMENT_TOKEN_FILE,
            `${mount?.mountPath}/${token?.path}`,
          ),
          ...unless(
            token?.expirationSeconds <= 600,
            `${environment}: the token is good for too long`,
          ),
          ...(await each(payment.envs, ({ CALLER_AUDIENCE, CALLER_SUBJECT, CALLER_CA_FILE }) => [
            ...same(`${environment}: the issuer's CA`, CALLER_CA_FILE, `${ca?.mountPath}/ca.crt`),
            ...same(`${environment}: the token's audience`, token?.audience, CALLER_AUDIENCE),
            ...same(
              `${environment}: whom payment believes`,
              CALLER_SUBJECT,
              `system:serviceaccount:app-antaeus:${pod?.spec.serviceAccountName}`,
            ),
          ])),
        ];
      }),
    mutations: [
      {
        what: "a scheduled pay run that asks where nobody is",
        file: "apps/antaeus/pay-run/cron-job.yaml",
        from: "http://antaeus.app-antaeus:8000",
        to: "http://antaeus.app-antaeus:80",
        says: /whom the scheduled pay run asks: .*:80"/,
      },
      {
        what: "a scheduled pay run that no policy lets out",
        file: "apps/antaeus/pay-run/kustomization.yaml",
        from: "antaeus-pay-run",
        to: "antaeus-run",
        says: /the labels that let it ask: .*antaeus-run/,
      },
      {
        what: "a token for another audience",
        file: antaeus,
        from: "audience: payment",
        to: "audience: payments",
        says: /the token's audience: "payments"/,
      },
      {
        what: "another service account as the caller",
        file: "apps/payment/components/known-caller/rollout.yaml",
        from: "app-antaeus:antaeus",
        to: "app-antaeus:default",
        says: /whom payment believes: "system:serviceaccount:app-antaeus:default"/,
      },
      {
        what: "payment that lets anybody charge",
        file: "apps/payment/overlays/production/kustomization.yaml",
        from: "known-caller",
        to: "keyless-caller",
        says: /whom payment believes: undefined/,
      },
      {
        what: "payment that is told of no caller",
        file: "apps/payment/overlays/production/kustomization.yaml",
        from: "components:\n  - ../../components/known-caller\n",
        to: "",
        says: /whom payment believes: undefined/,
      },
      {
        what: "another caller in a variable of the container",
        file: "apps/payment/components/known-caller/rollout.yaml",
        from: "            - name: CALLER_SUBJECT\n              value: system:serviceaccount:app-antaeus:antaeus\n",
        to: "            - name: CALLER_SUBJECT\n              value: somebody\n",
        says: /whom payment believes: "somebody"/,
      },
      {
        what: "a second container that believes everybody",
        file: deployment,
        from: "      containers:\n",
        to: `      containers:\n        - name: second\n          image: ${here.registry}/payment\n`,
        says: /whom payment believes: undefined/,
      },
      {
        what: "a CA where none is mounted",
        file: "apps/payment/components/known-caller/rollout.yaml",
        from: "CALLER_CA_FILE\n              value: /var/run/cluster/ca.crt",
        to: "CALLER_CA_FILE\n              value: /var/run/ca.crt",
        says: /the issuer's CA: "\/var\/run\/ca.crt"/,
      },
      {
        what: "payment on another port",
        file: service,
        from: "port: 9000",
        to: "port: 80",
        says: /Antaeus' endpoint: .*:9000\/.*, not .*:80\//,
      },
    ],
  },
  {
    title: "Antaeus is backed up, and only where invoices are made up its backup may be empty",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.workload("antaeus", environment);
        const [pod] = podSpecs(ofKind(manifests, "Deployment"));
        const env = (one: Fields) => environmentOf(one, manifests);
        const [restore = {}, backup = {}] = (pod?.spec.initContainers ?? []) as Fields[];
        const madeUp = Number(env(pod?.spec.containers[0]).CUSTOMERS) > 0;
        return [
          ...same(
            `${environment}: before Antaeus`,
            [restore.args?.[0], restore.restartPolicy, backup.args, backup.restartPolicy],
            ["restore", undefined, ["replicate"], "Always"],
          ),
          ...same(
            `${environment}: the backup may be empty`,
            env(restore).BACKUP_MAY_BE_EMPTY,
            `${madeUp}`,
          ),
          ...unless(env(restore).BACKUP_URL, `${environment}: nothing says where the backup is`),
          ...same(`${environment}: the backup`, env(backup).BACKUP_URL, env(restore).BACKUP_URL),
        ];
      }),
    mutations: [
      {
        what: "a production that begins anew where its backup is not found",
        file: "apps/antaeus/overlays/production/kustomization.yaml",
        from: "BACKUP_MAY_BE_EMPTY=false",
        to: "BACKUP_MAY_BE_EMPTY=true",
        says: /production: the backup may be empty: "true", not "false"/,
      },
      {
        what: "a production without a backup",
        file: "apps/antaeus/overlays/production/kustomization.yaml",
        from: "components:\n  - ../../components/backup\n",
        to: "",
        says: /production: before Antaeus/,
      },
      {
        what: "a backup that ends before Antaeus",
        file: "apps/antaeus/components/backup/deployment.yaml",
        from: "          restartPolicy: Always\n",
        to: "",
        says: /production: before Antaeus/,
      },
      {
        what: "a backup to elsewhere than it is restored from",
        file: "apps/antaeus/components/backup-folder/deployment.yaml",
        from: "        - name: backup\n          # Instead of the ConfigMap and the Secret.\n          envFrom: []\n          env:\n            - name: BACKUP_URL\n              value: file:///backup\n",
        to: "        - name: backup\n",
        says: /testing: the backup: undefined, not "file/,
      },
    ],
  },
];
