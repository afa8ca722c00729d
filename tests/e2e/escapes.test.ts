import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { escapes } from "../support/results.ts";
import { as } from "./support/argocd.ts";
import { account, charges, commit, kubectl, may, pods, restore } from "./support/cluster.ts";
import { record } from "./support/report.ts";

/** Who stops it: Argo CD, because the project does not allow it; or Kubernetes, whatever Argo CD thinks. */
type Layer = "Argo CD" | "Kubernetes";

const service = "apps/payment/base/service.yaml";
const deployment = "apps/payment/base/rollout.yaml";

const meta = (kind: string, apiVersion = "v1", namespace?: string) => ({
  apiVersion,
  kind,
  metadata: { name: "e2e-escape", ...(namespace && { namespace }) },
});
const add = (manifest: object) => (text: string) => `${text}---\n${JSON.stringify(manifest)}\n`;
/** One more field of payment's pods. */
const ofPod = (field: string) => replace("    spec:\n", `    spec:\n      ${field}\n`);
const replace = (from: string, to: string) => (text: string) => text.replace(from, to);

const [running] = await pods("payment");

const container = {
  name: "a",
  image: running?.spec.containers[0]?.image,
  securityContext: {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
};

const payment = await as("local-payment");

interface Attempt {
  what: string;
  layer: Layer;
  /** The file to change, as if the change had been merged. */
  file: string;
  change: (text: string) => string;
  /** What Argo CD then says of the application or of one of its resources. */
  says: RegExp;
}

const attempts: Attempt[] = [
  {
    what: "an application that makes applications",
    layer: "Argo CD",
    file: service,
    change: add({
      ...meta("Application", "argoproj.io/v1alpha1"),
      spec: {
        project: "platform",
        source: { repoURL: "http://git.git.svc/pe-gitops.git", path: "clusters/testing/apps" },
        destination: { server: "https://kubernetes.default.svc", namespace: "argocd" },
      },
    }),
    says: /argoproj.io:Application is not permitted in project payment/,
  },
  {
    what: "a role for the whole cluster",
    layer: "Argo CD",
    file: service,
    change: add({
      ...meta("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "cluster-admin",
      },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "app-payment" }],
    }),
    says: /ClusterRoleBinding is not permitted in project payment/,
  },
  {
    what: "a role in its own namespace",
    layer: "Argo CD",
    file: service,
    change: add({
      ...meta("RoleBinding", "rbac.authorization.k8s.io/v1"),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "app-payment" }],
    }),
    says: /RoleBinding is not permitted in project payment/,
  },
  {
    what: "a network policy that opens its own door",
    layer: "Argo CD",
    file: service,
    change: add({
      ...meta("NetworkPolicy", "networking.k8s.io/v1"),
      spec: { podSelector: {}, ingress: [{}], policyTypes: ["Ingress"] },
    }),
    says: /NetworkPolicy is not permitted in project payment/,
  },
  {
    what: "another quota",
    layer: "Argo CD",
    file: service,
    change: add({ ...meta("ResourceQuota"), spec: { hard: { pods: "1000" } } }),
    says: /ResourceQuota is not permitted in project payment/,
  },
  {
    what: "a lower security level for its namespace",
    layer: "Argo CD",
    file: service,
    change: add({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: "app-payment",
        labels: { "pod-security.kubernetes.io/enforce": "privileged" },
      },
    }),
    says: /Namespace is not permitted in project payment/,
  },
  {
    what: "everything in another team's namespace",
    layer: "Argo CD",
    file: "apps/payment/base/kustomization.yaml",
    change: replace("namespace: app-payment", "namespace: app-antaeus"),
    says: /namespace app-antaeus is not permitted in project 'payment'/,
  },
  {
    what: "a pod outside of any Deployment",
    layer: "Kubernetes",
    file: service,
    change: add({ ...meta("Pod"), spec: { containers: [container] } }),
    says: /argocd-deployers:payment" cannot (create|patch) resource "pods"/,
  },
  {
    what: "endpoints of its own choice, such as another service's pods",
    layer: "Argo CD",
    file: service,
    change: add({
      ...meta("EndpointSlice", "discovery.k8s.io/v1"),
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.0.0.1"] }],
      ports: [{ port: 8000 }],
    }),
    says: /EndpointSlice e2e-escape is excluded in the settings/,
  },
  {
    what: "a port on every node",
    layer: "Kubernetes",
    file: service,
    change: replace("spec:\n", "spec:\n  type: NodePort\n"),
    says: /exceeded quota: limits, requested: services.nodeports=1/,
  },
  {
    what: "a load balancer",
    layer: "Kubernetes",
    file: service,
    change: replace("spec:\n", "spec:\n  type: LoadBalancer\n"),
    says: /a Service here is of type ClusterIP, .* not LoadBalancer/,
  },
  {
    what: "an address of its own choice, on every node",
    layer: "Kubernetes",
    file: service,
    change: replace("spec:\n", "spec:\n  externalIPs: [192.0.2.1]\n"),
    says: /a Service here has no externalIPs/,
  },
  {
    what: "pods that evict others",
    layer: "Kubernetes",
    file: deployment,
    change: ofPod("priorityClassName: system-node-critical"),
    says: /a pod here has no priority class/,
  },
  {
    what: "pods on the control plane",
    layer: "Kubernetes",
    file: deployment,
    change: ofPod("tolerations: [{operator: Exists}]"),
    says: /a pod here tolerates no taint of a node/,
  },
  {
    what: "pods on a node of its own choice",
    layer: "Kubernetes",
    file: deployment,
    change: ofPod("nodeName: pe-gitops-control-plane"),
    says: /the scheduler chooses a pod's node/,
  },
  {
    what: "pods that never end",
    layer: "Kubernetes",
    file: deployment,
    change: (text) =>
      text.replace(/terminationGracePeriodSeconds: \d+/, "terminationGracePeriodSeconds: 31536000"),
    says: /a pod here ends within 120 s/,
  },
  {
    what: "an image as a volume, which no policy of images sees",
    layer: "Kubernetes",
    file: deployment,
    change: (text) =>
      `${text}      volumes:\n        - name: code\n          image:\n            reference: example.com/code:1\n`,
    says: /a volume here is a configMap/,
  },
  {
    what: "all of a node's memory",
    layer: "Kubernetes",
    file: deployment,
    change: replace("memory: 192Mi", "memory: 64Gi"),
    says: /maximum memory usage per Container is 1Gi/,
  },
  {
    what: "pods as root",
    layer: "Kubernetes",
    file: deployment,
    change: replace(
      "runAsNonRoot: true\n        runAsUser: 1000",
      "runAsNonRoot: false\n        runAsUser: 0",
    ),
    says: /violates PodSecurity "restricted/,
  },
  {
    what: "the node's files",
    layer: "Kubernetes",
    file: deployment,
    change: (text) =>
      `${text}      volumes:\n        - name: node\n          hostPath:\n            path: /\n`,
    says: /violates PodSecurity "restricted.*hostPath|a volume here is a configMap/s,
  },
  {
    what: "the node's network",
    layer: "Kubernetes",
    file: deployment,
    change: replace("    spec:\n", "    spec:\n      hostNetwork: true\n"),
    says: /violates PodSecurity "restricted.*hostNetwork|host namespaces/s,
  },
];

const items: { what: string; layer: Layer; how: string; answered: string }[] = [];

interface Status {
  sync: { revision: string };
  operationState: { message?: string; syncResult?: { revision: string; resources?: object[] } };
  conditions?: { message: string }[];
}

interface ReplicaSet {
  spec: { replicas: number };
  status: { conditions?: { message: string }[] };
}

/** All that Argo CD and the Deployment's present ReplicaSet say of a commit; nothing of earlier ones. */
async function saidOf(sha: string): Promise<string> {
  const application = ["get", "applications.argoproj.io", "payment", "-n", "argocd"];
  const { status } = await kubectl.json<{ status: Status }>(application);
  const { sync, operationState, conditions = [] } = status;
  if (sync.revision !== sha) return "";
  const synced = operationState.syncResult?.revision === sha ? [operationState] : [];
  const sets = ["get", "replicasets", "-n", "app-payment"];
  const { items } = await kubectl.json<{ items: ReplicaSet[] }>(sets);
  const present = items.filter(({ spec }) => spec.replicas > 0).map((set) => set.status.conditions);
  return JSON.stringify([conditions, synced, present]).replaceAll('\\"', '"');
}

for (const { what, layer, file, change, says } of attempts) {
  test.serial(`merged all the same, stopped by ${layer}: ${what}`, async (t) => {
    const before = (await pods("payment")).map(({ metadata }) => metadata.name);
    // Or else the retries of the attempt before go on for a minute.
    await payment.call("DELETE", "applications/payment/operation");
    const sha = await commit(file, change);
    const answered = await retry(60, async () => {
      const said = await saidOf(sha);
      const [found] = says.exec(said) ?? [];
      if (!found) throw new Error(`nothing says ${says}: ${said}`);
      return found;
    });
    t.log(answered.slice(0, 200));
    items.push({ what, layer, how: "merged", answered: answered.slice(0, 300) });
    const now = (await pods("payment")).map(({ metadata }) => metadata.name);
    t.true(
      before.every((name) => now.includes(name)),
      "the pods of before serve on",
    );
    t.true((await charges(5)).every(({ status }) => status === 200));
  });
}

// biome-ignore lint/suspicious/noExplicitAny: an Application's spec as the API gives it
const own = async (): Promise<any> => (await payment.call("GET", "applications/payment")).body.spec;

const calls: [
  what: string,
  status: number,
  says: RegExp,
  call: () => ReturnType<typeof payment.call>,
][] = [
  [
    "its application in another team's project",
    403,
    /permission denied/,
    async () =>
      payment.call("PUT", "applications/payment/spec", { ...(await own()), project: "antaeus" }),
  ],
  [
    "its application in the project default",
    403,
    /permission denied/,
    async () =>
      payment.call("PUT", "applications/payment/spec", { ...(await own()), project: "default" }),
  ],
  [
    "its application in another namespace",
    400,
    /do not match any of the allowed destinations/,
    async () => {
      const spec = await own();
      const destination = { ...spec.destination, namespace: "app-antaeus" };
      return payment.call("PUT", "applications/payment/spec", { ...spec, destination });
    },
  ],
  [
    "its application from another repository",
    400,
    /is not permitted in project/,
    async () => {
      const spec = await own();
      // Another name for the same place: Argo CD can read it, and must not.
      const repoURL = "http://git.git.svc.cluster.local/pe-gitops.git";
      const source = { ...spec.source, repoURL };
      return payment.call("PUT", "applications/payment/spec", { ...spec, source });
    },
  ],
  [
    "an application of its own making",
    403,
    /permission denied/,
    async () =>
      payment.call("POST", "applications", { metadata: { name: "mine" }, spec: await own() }),
  ],
  [
    "a sync that replaces",
    400,
    /replace/i,
    () =>
      payment.call("POST", "applications/payment/sync", {
        name: "payment",
        dryRun: true,
        syncOptions: { items: ["Replace=true"] },
      }),
  ],
  [
    "manifests that are not in Git",
    403,
    /permission denied/,
    () => payment.call("POST", "applications/payment/sync", { name: "payment", manifests: ["{}"] }),
  ],
  [
    "a restart of another team's pods",
    403,
    /permission denied/,
    () =>
      payment.call("POST", "applications/antaeus/resource/actions/v2", {
        name: "antaeus",
        namespace: "app-antaeus",
        resourceName: "antaeus",
        group: "apps",
        version: "v1",
        kind: "Deployment",
        action: "restart",
      }),
  ],
];
for (const [what, status, says, call] of calls) {
  test.serial(`asked of Argo CD's API, refused: ${what}`, async (t) => {
    const answer = await call();
    t.is(answer.status, status, answer.body.message);
    t.regex(answer.body.message, says);
    items.push({
      what,
      layer: "Argo CD",
      how: "API",
      answered: `${answer.status} ${answer.body.message}`,
    });
  });
}

test.serial("the control: what a team may do goes through the same doors", async (t) => {
  await commit(service, add({ ...meta("ConfigMap"), data: { a: "b" } }));
  const get = ["get", "configmap", "e2e-escape", "-n", "app-payment", "-o", "name"];
  t.is(await retry(60, () => kubectl.run(get)), "configmap/e2e-escape");
  t.is((await payment.call("PUT", "applications/payment/spec", await own())).status, 200);
});

test.serial("the deployer by itself, without Argo CD in front, is no way out either", async (t) => {
  const deployer = account("argocd-deployers", "payment");
  t.true(await may(deployer, "create", "deployments.apps", "app-payment"));
  for (const [verb, resource, namespace, subresource] of [
    ["create", "deployments.apps", "app-antaeus"],
    ["get", "configmaps", "app-antaeus"],
    ["get", "secrets", "app-payment"],
    ["create", "pods", "app-payment"],
    ["create", "pods", "app-payment", "exec"],
    ["create", "serviceaccounts", "app-payment", "token"],
    ["create", "rolebindings.rbac.authorization.k8s.io", "app-payment"],
    ["delete", "networkpolicies.networking.k8s.io", "app-payment"],
    ["patch", "namespaces", "app-payment"],
    ["create", "applications.argoproj.io", "argocd"],
  ] as [string, string, string, string?][]) {
    const what = `${verb} ${resource} ${subresource ?? ""} in ${namespace}`;
    t.false(await may(deployer, verb, resource, namespace, subresource), what);
  }

  // A Service may say that it selects another team's pods; selectors end at the namespace.
  const addresses = async (name: string) => {
    const spec = { selector: { "app.kubernetes.io/name": name }, ports: [{ port: 8000 }] };
    const manifest = JSON.stringify({ ...meta("Service"), spec });
    await kubectl.run(["apply", "-n", "app-payment", "--as", deployer, "-f", "-"], manifest);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const slices = [
      "endpointslices",
      "-n",
      "app-payment",
      "-l",
      "kubernetes.io/service-name=e2e-escape",
    ];
    return kubectl.run(["get", ...slices, "-o", "jsonpath={.items[*].endpoints[*].addresses[*]}"]);
  };
  t.teardown(() => kubectl.run(["delete", "service", "e2e-escape", "-n", "app-payment"]));
  t.is(await addresses("antaeus"), "");
  t.regex(await addresses("payment"), /^10\./);
});

test.serial("what none of them did: anything called e2e-escape elsewhere", async (t) => {
  await restore();
  const kinds =
    "applications.argoproj.io,clusterrolebindings,rolebindings,networkpolicies,pods,endpointslices,resourcequotas,configmaps";
  const names = await kubectl.run(["get", kinds, "-A", "-o", "jsonpath={.items[*].metadata.name}"]);
  t.false(names.split(" ").includes("e2e-escape"));
});

test.after.always(async () => {
  await restore();
  record("escapes", escapes("tried by a member of a team", items));
});
