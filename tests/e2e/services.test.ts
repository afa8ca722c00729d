import test from "ava";
import { run } from "../../tools/cli/command.ts";
import {
  antaeus,
  currentInvoices,
  fromAntaeus,
  head,
  kubectl,
  pods,
  untilLive,
} from "./support/cluster.ts";

test.serial("every Application is Synced and Healthy at the commit under test", async (t) => {
  await t.notThrowsAsync(untilLive(head));
  const names = (await kubectl.applications()).map(({ metadata }) => metadata.name);
  t.deepEqual(names.sort(), ["antaeus", "argocd", "monitoring", "payment", "rollouts", "root"]);
});

test.serial(
  "Argo CD's history names what was committed, also where an image was bumped on top",
  async (t) => {
    const subject = (commit: string) => run("git", ["show", "--no-patch", "--format=%s", commit]);
    t.true((await subject(head)).startsWith(await subject("HEAD")));
  },
);

for (const [url, body] of [
  ["http://payment.app-payment:9000/ready", { status: "ready" }],
  ["http://antaeus.app-antaeus:8000/rest/health", "ok"],
] as const) {
  test.serial(`${url} answers from inside the cluster`, async (t) => {
    const answer = await fromAntaeus(`
      const response = await fetch("${url}");
      return { status: response.status, body: await response.json() };`);
    t.deepEqual(answer, { status: 200, body });
  });
}

test.serial("Antaeus answers from outside the cluster", async (t) => {
  const response = await fetch(`${antaeus}/rest/health`);
  t.is(response.status, 200);
  t.is(await response.json(), "ok");
});

test.serial("invoices survive a restart of the pod", async (t) => {
  const before = await currentInvoices();
  t.true(before.length > 0);
  const [old] = await pods("antaeus");
  await kubectl.run(["delete", "pod", "-n", "app-antaeus", old?.metadata.name ?? ""]);
  await kubectl.run([
    "rollout",
    "status",
    "deployment/antaeus",
    "-n",
    "app-antaeus",
    "--timeout=2m",
  ]);
  t.not((await pods("antaeus"))[0]?.metadata.name, old?.metadata.name);
  t.deepEqual(await currentInvoices(), before);
});

test.serial("a pod below the namespace's security level is refused", async (t) => {
  const [payment] = await pods("payment");
  const image = payment?.spec.containers[0]?.image;
  const pod = (securityContext: object) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "e2e-restricted" },
      spec: { containers: [{ name: "a", image, securityContext }] },
    });
  const restricted = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  };
  for (const namespace of ["app-antaeus", "app-payment"]) {
    const create = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
    const error = await t.throwsAsync(kubectl.run(create, pod({})));
    t.regex(error?.message ?? "", /violates PodSecurity "restricted/);
    // The control: what the level allows is let in.
    await t.notThrowsAsync(kubectl.run(create, pod(restricted)));
  }
});
