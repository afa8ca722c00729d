import test from "ava";
import { retry, waitFor } from "../../tools/cli/progress.ts";
import { reasons } from "../../tools/kubernetes/cluster.ts";
import { onGitHub, registry } from "../support/owner.ts";
import {
  application,
  autoSync,
  charges,
  commit,
  kubectl,
  pods,
  restore,
} from "./support/cluster.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const [running] = await pods("payment");
const image = running?.spec.containers[0]?.image ?? "";
const [name = "", digest = ""] = image.split(/:[^:]*@/);

/** A pod that the namespace's security level lets in. */
const pod = (image: string, kind = "containers") => {
  const container = (image: string) => ({
    name: `a-${kind.toLowerCase()}`,
    image,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  });
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "e2e-image" },
    spec: {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{ ...container(running?.spec.containers[0]?.image ?? ""), name: "b" }],
      [kind]: [container(image)],
    },
  });
};

const create = (namespace: string, manifest: string) =>
  kubectl.run(["create", "--dry-run=server", "-n", namespace, "-f", "-"], manifest).then(
    () => "let in",
    (error: Error) => error.message,
  );

for (const [what, refused] of [
  ["a tag without a digest", `${name}:1.0.0`],
  ["neither tag nor digest", name],
  ["another registry", `docker.io/${onGitHub.toLowerCase()}/payment@${digest}`],
  ["another owner", `ghcr.io/somebody/pe-gitops/payment@${digest}`],
  ["a name that only begins like ours", `${registry}/payment/evil@${digest}`],
] as const) {
  test(`an image by ${what} is refused`, async (t) => {
    for (const kind of ["containers", "initContainers"])
      t.regex(await create("app-payment", pod(refused, kind)), /every image here must be/, kind);
    // The control: elsewhere nobody asks.
    t.is(await create("default", pod(refused)), "let in");
  });
}

test("a CronJob is asked about when it is applied, not at night", async (t) => {
  const cronJob = (image: string) =>
    JSON.stringify({
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "e2e-image" },
      spec: {
        schedule: "0 2 * * *",
        jobTemplate: {
          spec: { template: { spec: { ...JSON.parse(pod(image)).spec, restartPolicy: "Never" } } },
        },
      },
    });
  t.regex(await create("app-payment", cronJob(`${name}:1.0.0`)), /every image here must be/);
  t.is(await create("app-payment", cronJob(image)), "let in");
  t.is(await create("default", cronJob(`${name}:1.0.0`)), "let in");
});

test("an image of ours by its digest is let in, with its tag or without", async (t) => {
  t.is(await create("app-payment", pod(image)), "let in");
  t.is(await create("app-payment", pod(`${name}@${digest}`)), "let in");
});

test.serial("a policy that gets stricter holds up nothing that was let in before", async (t) => {
  const policy = ["validatingadmissionpolicy", "images"];
  const expression = await kubectl.run([
    ...["get", ...policy, "-o"],
    'jsonpath={.spec.variables[?(@.name=="allowed")].expression}',
  ]);
  const allow = (only: string) => {
    const operation = { op: "replace", path: "/spec/variables/0/expression", value: only };
    return kubectl.run(["patch", ...policy, "--type=json", "-p", JSON.stringify([operation])]);
  };
  const ask = (...args: string[]) =>
    kubectl.run([...args, "-n", "app-payment", "--dry-run=server"]).then(
      () => "let in",
      (error: Error) => error.message,
    );
  await autoSync("root", false);
  try {
    await allow("'^nothing$'");
    // The control: what is new is refused.
    await retry(30, async () => {
      if ((await create("app-payment", pod(image))) === "let in") throw new Error("not in force");
    });
    const release = ["patch", "rollouts.argoproj.io", "payment", "--type=merge", "--patch"];
    const annotated = { template: { metadata: { annotations: { a: "b" } } } };
    t.regex(await ask(...release, JSON.stringify({ spec: annotated })), /every image here must be/);
    t.is(await ask(...release, JSON.stringify({ spec: { replicas: 1 } })), "let in");
    const sets = await kubectl.run(["get", "replicasets", "-n", "app-payment", "-o", "name"]);
    for (const name of sets.split("\n")) t.is(await ask("scale", name, "--replicas=0"), "let in");
  } finally {
    await allow(expression);
    await autoSync("root", true);
  }
});

test.serial(
  "a merged image without a digest does not run, and the application says why",
  async (t) => {
    const before = (await pods("payment")).map(({ metadata }) => metadata.name).sort();
    await commit(overlay, (text) => text.replace(/ +digest: .*\n/, ""));
    const why = await waitFor(60, async () => {
      const said = reasons(await application("payment")).join("\n");
      return /every image here must be/.test(said) ? said : undefined;
    });
    t.log(why);
    t.truthy(why);
    t.deepEqual((await pods("payment")).map(({ metadata }) => metadata.name).sort(), before);
    t.true((await charges(10)).every(({ status }) => status === 200));
    await restore();
  },
);
