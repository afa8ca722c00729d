import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { commit, head, kubectl, pods, restore, untilLive } from "./support/cluster.ts";
import { podReady, startPod } from "./support/pod.ts";
import { takeBack } from "./support/take-back.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const context = "argocd/payment/testing";
const token = "e2e-token";

/** Plays GitHub where clusters/local/argocd looks for it: takes every call, and writes it to its log. */
const script = `require("node:http").createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const { method, url, headers: { authorization } } = request;
  console.log(JSON.stringify({ at: Date.now(), method, url, authorization, ...JSON.parse(body) }));
  response.writeHead(201).end("{}");
}).listen(8080)`;

interface Status {
  at: number;
  method: string;
  url: string;
  authorization: string;
  context: string;
  state: string;
  description: string;
}

/** The commit statuses that were set so far. */
async function statuses(sha: string): Promise<Status[]> {
  const log = await kubectl.run(["logs", "github", "-n", "git"]);
  return log
    .split("\n")
    .filter(Boolean)
    .map((line): Status => JSON.parse(line))
    .filter((status) => status.url.endsWith(`/pe-gitops/statuses/${sha}`));
}

/** The first status of a commit in payment's context. */
const first = (sha: string): Promise<Status> =>
  retry(40, async () => {
    const found = (await statuses(sha)).find((status) => status.context === context);
    if (!found) throw new Error(`no status ${context} of ${sha}`);
    return found;
  });

const setToken = (value: string | null) =>
  kubectl.run([
    ...["patch", "secret", "argocd-notifications-secret", "-n", "argocd", "--type", "merge"],
    ...["--patch", JSON.stringify({ data: { "github-token": value && btoa(value) } })],
  ]);

test.before(async () => {
  const labels = { "app.kubernetes.io/name": "github" };
  await startPod({ name: "github", namespace: "git", labels, script, port: 8080 });
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "github", namespace: "git" },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  };
  await kubectl.run(["apply", "-f", "-"], JSON.stringify(service));
  await podReady("git", "github");
  await setToken(token);
});

test.after.always(async () => {
  await setToken(null);
  await restore();
  await kubectl.run(["delete", "pod/github", "service/github", "-n", "git", "--ignore-not-found"]);
});

test.serial("a commit that is live is a success at GitHub, and not before", async (t) => {
  const changed = await commit(valuesFile, withShare("0.6"));
  await untilLive(changed);
  const status = await first(changed);
  t.like(status, { method: "POST", authorization: `Bearer ${token}`, state: "success" });

  // Pods that drain change as well: from ready to not.
  const ready = (await pods("payment")).flatMap(({ status: { conditions } }) =>
    conditions.filter(({ type }) => type === "Ready").map((one) => one.lastTransitionTime),
  );
  // Kubernetes' times are whole seconds.
  for (const time of ready) t.true(status.at >= Date.parse(time), `${status.at}, ready ${time}`);
  t.log(`${status.description}, ${(Date.now() - status.at) / 1000} s ago`);
  // The others too say that they run what this commit says.
  const contexts = await retry(30, async () => {
    const found = new Set((await statuses(changed)).map((one) => one.context));
    if (found.size < 6) throw new Error(`only ${[...found]}`);
    return [...found].sort();
  });
  const others = [
    ...["argocd/antaeus/testing", "argocd/argocd/local"],
    ...["argocd/monitoring/testing", "argocd/rollouts/testing", "argocd/root/testing"],
  ];
  t.deepEqual(contexts, [...others, context].sort());
});

test.serial("a sync that fails is a failure at GitHub, with the reason", async (t) => {
  const patch = `  - target:
      kind: Service
    patch: |-
      - op: add
        path: /spec/type
        value: Wrong
`;
  const broken = await commit(overlay, (text) => `${text}${patch}`);
  const status = await first(broken);
  t.log(status.description);
  t.is(status.state, "failure");
  t.regex(status.description, /^sync failed: /);
  t.true(status.description.length <= 140);
  const states = (await statuses(broken)).filter((one) => one.context === context);
  t.deepEqual(
    states.map(({ state }) => state),
    ["failure"],
  );
});

test.serial("a version that does not start is taken back by a commit on main", async (t) => {
  const broken = await commit(valuesFile, (text) =>
    withShare("half")(text).replace("spec:\n", "spec:\n  progressDeadlineSeconds: 10\n"),
  );
  const status = await first(broken);
  t.is(status.state, "failure");
  t.regex(status.description, /^Synced, and Degraded: /);

  const { commit: reverted, message, diff } = await takeBack(broken, status.description);
  t.log(message);
  t.is((await first(reverted)).state, "success");
  t.is(diff, "");
});

test.serial("what was put right is a success again; without a token nobody is told", async (t) => {
  await restore();
  t.is((await first(head)).state, "success");

  await setToken(null);
  // Long enough for the controller to know.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const changed = await commit(valuesFile, withShare("0.7"));
  await untilLive(changed);
  await new Promise((resolve) => setTimeout(resolve, 4000));
  t.deepEqual(await statuses(changed), []);
});
