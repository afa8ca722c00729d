import { readFileSync } from "node:fs";
import test from "ava";
import { variables } from "../../tools/guard/allowed.ts";
import { guard, sentence } from "../../tools/guard/guard.ts";
import { plain } from "../../tools/guard/tree.ts";
import { edited } from "../support/edits.ts";
import { here } from "../support/repository.ts";
import { valuesFile } from "../support/share.ts";
import { treeIn } from "../support/tree.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const base = "apps/payment/base/kustomization.yaml";
const deployment = "apps/payment/base/rollout.yaml";

/** A part of a file that becomes another text, or a new file. */
type Change = [file: string, from: string, to: string] | [file: string, text: string];

const tree = treeIn(".");
const whom = `For more ask @${here.owner}/platform (tools/guard/allowed.ts).`;

/** The files that changes make. */
function textsOf(changes: Change[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [file, from, to] of changes) {
    const text = texts.get(file) ?? (tree.files.has(file) ? tree.read(file) : "");
    texts.set(file, to === undefined ? from : edited(text, { what: "", file, from, to }));
  }
  return texts;
}

/** @returns what the guard says of this repository with some changes */
function said(...changes: Change[]): string[] {
  const texts = textsOf(changes);
  const added = [...texts].map(
    ([file, text]) => [file, { mode: plain, size: Buffer.byteLength(text) }] as const,
  );
  const read = (file: string) => texts.get(file) ?? tree.read(file);
  return guard({ files: new Map([...tree.files, ...added]), read }).map((finding) =>
    sentence(finding, [`@${here.owner}/platform`]),
  );
}

const list = (file: string): Change => [
  base,
  "  - service.yaml\n",
  `  - service.yaml\n  - ${file}\n`,
];

const second = `      containers:
        - name: second
          image: ${here.registry}/payment
          imagePullPolicy: IfNotPresent
          ports:
            - name: second
              containerPort: 9100
          env:
            - name: PORT
              value: "9100"
          readinessProbe:
            httpGet:
              path: /ready
              port: second
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
            limits:
              cpu: 500m
              memory: 128Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
`;

const daily: Record<string, Change[]> = {
  "a value": [[valuesFile, 'value: "0.5"', 'value: "0.7"']],
  "one more value": [
    [
      valuesFile,
      "          env:\n",
      "          env:\n            - name: PAYMENT_LOG_LEVEL\n              value: debug\n",
    ],
  ],
  "an image": [
    [
      overlay,
      tree.read(overlay).match(/ +newTag: .*\n +digest: .*\n/)?.[0] ?? "",
      `    newTag: 20261125-0123456789ab\n    digest: sha256:${"1".repeat(64)}\n`,
    ],
  ],
  "a probe": [
    [deployment, "failureThreshold: 30", "failureThreshold: 60\n            timeoutSeconds: 3"],
  ],
  resources: [
    [deployment, "cpu: 100m", "cpu: 250m"],
    [deployment, "memory: 192Mi", "memory: 1Gi"],
  ],
  "a variable of one container": [
    [
      deployment,
      "          env:\n",
      "          env:\n            - name: PAYMENT_LOG_LEVEL\n              value: debug\n",
    ],
  ],
  "a new ConfigMap, of a file": [
    [
      base,
      "labels:\n",
      "configMapGenerator:\n  - name: payment-limits\n    options: {annotations: {argocd.argoproj.io/sync-options: PruneLast=true}}\n    files: [limits.json]\nlabels:\n",
    ],
    ["apps/payment/base/limits.json", '{"amount": 1000}\n'],
    [
      deployment,
      "      containers:\n",
      "      volumes:\n        - name: limits\n          configMap:\n            name: payment-limits\n      containers:\n",
    ],
    [
      deployment,
      "          env:\n",
      "          volumeMounts:\n            - name: limits\n              mountPath: /etc/limits\n              readOnly: true\n          env:\n",
    ],
  ],
  "a second container": [[deployment, "      containers:\n", second]],
  "a second Deployment": [
    list("worker.yaml"),
    [
      "apps/payment/base/worker.yaml",
      tree.read(deployment).replace("name: payment", "name: payment-worker"),
    ],
  ],
  "a place to write": [
    [
      deployment,
      "      containers:\n",
      "      volumes:\n        - name: tmp\n          emptyDir:\n            sizeLimit: 50Mi\n      containers:\n",
    ],
  ],
  "a longer grace period": [
    [deployment, "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 60"],
  ],
  "more pods": [["apps/payment/base/autoscaler.yaml", "maxReplicas: 8", "maxReplicas: 12"]],
};

for (const [what, changes] of Object.entries(daily)) {
  test(`what a team does every day is allowed: ${what}`, (t) => {
    t.deepEqual(said(...changes), []);
  });
}

const job = `# Once.
apiVersion: batch/v1
kind: Job
metadata:
  name: payment-report
`;

/** With the text of the line that is named; nothing where the whole file is meant. */
const refused: Record<string, [changes: Change[], file: string, line: string, says: string]> = {
  "a Job, which a CronJob makes": [
    [list("job.yaml"), ["apps/payment/base/job.yaml", job]],
    "apps/payment/base/job.yaml",
    "kind: Job",
    'a team may not deploy the kind "Job". Allowed: AnalysisTemplate, Deployment, CronJob, HorizontalPodAutoscaler, PersistentVolumeClaim, PodDisruptionBudget, Rollout, Service, ServiceAccount.',
  ],
  "a container of somebody else's image": [
    [
      [
        deployment,
        "      containers:\n",
        second.replace(/image: .*/, "image: docker.io/envoyproxy/envoy:v1.30.0"),
      ],
    ],
    deployment,
    "envoyproxy",
    `spec.template.spec.containers[].image: "docker.io/envoyproxy/envoy:v1.30.0". Allowed: \`ghcr.io/<owner>/<repository>/<service>\`.`,
  ],
  "more memory than there is": [
    [[deployment, "memory: 192Mi", "memory: 16Gi"]],
    deployment,
    "memory: 16Gi",
    `spec.template.spec.containers[].resources.limits.memory: "16Gi". Allowed: 1Mi to 999Mi, or 1Gi to 4Gi.`,
  ],
  "a misspelt field": [
    [[deployment, "readinessProbe:", "readynessProbe:"]],
    deployment,
    "readynessProbe",
    `spec.template.spec.containers[]: no field "readynessProbe" here. Allowed: name, image, imagePullPolicy, args, ports, env, envFrom, startupProbe, readinessProbe, livenessProbe, resources, securityContext, volumeMounts.`,
  ],
  "a manifest that was forgotten in the list": [
    [["apps/payment/base/worker.yaml", job]],
    "apps/payment/base/worker.yaml",
    "",
    "no kustomization lists it. Allowed: files that a kustomization of the same folder in apps/ lists.",
  ],
  "a manifest that was forgotten in the commit": [
    [list("worker.yaml")],
    base,
    "worker.yaml",
    `resources[]: "worker.yaml". Allowed: the path of an own .yaml file, or the path of an own folder with a kustomization.`,
  ],
  "a field twice": [
    [[base, "namespace: app-payment\n", "namespace: app-payment\nnamespace: app-payment\n"]],
    base,
    "namespace: app-payment\n",
    `DUPLICATE_KEY. Allowed: YAML 1.2 as it is shown.`,
  ],
};

for (const [what, [changes, file, line, says]] of Object.entries(refused)) {
  test(`what is refused says the line, what is allowed and whom to ask: ${what}`, (t) => {
    const before = textsOf(changes).get(file)?.split(line).slice(0, -1).join(line) ?? "";
    const place = line ? `${file}:${before.split("\n").length}` : file;
    t.deepEqual(said(...changes), [`${place}: ${says} ${whom}`]);
  });
}

test("what the services read may be set", (t) => {
  const folders = ["payment-service", "antaeus-service", "packages/service-kit"];
  const text = folders.map((folder) => readFileSync(`${folder}/src/config.ts`, "utf8")).join();
  const read = [...text.matchAll(/^ +([A-Z][A-Z_]+): Joi/gm)].map(([, name = ""]) => name);
  t.true(read.length > 20);
  t.deepEqual(
    read.filter((name) => !variables.includes(name)),
    [],
  );
});
