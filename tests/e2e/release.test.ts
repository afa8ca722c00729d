// What a version that starts and is wrong does where releases are watched, and what it does where they are not.
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { cluster } from "../../tools/kubernetes/cluster.ts";
import { fairCoin } from "../../tools/pay-run/binomial.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { as } from "./support/argocd.ts";
import {
  analyses,
  application,
  autoSync,
  type Changes,
  charges,
  commit,
  commitFiles,
  drained,
  head,
  kubectl,
  pods,
  putRight,
  rolledOut,
  rollout,
  untilLive,
} from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { takeBack } from "./support/take-back.ts";
import { startTraffic } from "./support/traffic.ts";
import { configured, source, unwatched } from "./support/versions.ts";

const failing = `    if (request.payload.customer_id > 1000) throw Boom.internal();\n`;

/** Versions that are Healthy by their probes, by what is wrong with them. */
const wrong: Record<string, Changes> = {
  "fails one charge in five": { [valuesFile]: configured("FAULT_ERROR_SHARE", 0.2) },
  "refuses every charge": { [source]: (text) => text.replace("key) < share;", "key) < 0;") },
  "accepts 90 % where 50 % is configured": {
    [source]: (text) => text.replace("key) < share;", "key) < 0.9;"),
  },
  "fails for customers whom no probe knows": {
    [source]: (text) =>
      text
        .replace("  handler(request) {\n", `  handler(request) {\n${failing}`)
        .replace("request.payload.customer_id", "(request.payload as ChargeRequest).customer_id"),
  },
  "takes ten times as long": { [valuesFile]: configured("FAULT_LATENCY_MS", 60) },
};

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Ends when payment's Rollout is as it should be. @returns when, in milliseconds */
const until = (
  what: string,
  seconds: number,
  isThere: (one: Awaited<ReturnType<typeof rollout>>) => boolean,
) =>
  retry(seconds, async () => {
    const now = await rollout();
    const { generation } = now.metadata;
    if (now.status?.observedGeneration !== `${generation}` || !isThere(now))
      throw new Error(`not yet ${what}: ${now.status?.phase}, ${now.status?.message}`);
    return performance.now();
  });

/** Ends when the pods of a version that is not this one are ready. */
const newPodsReady = (before: string) =>
  retry(90, async () => {
    const { currentPodHash = "" } = (await rollout()).status ?? {};
    const ready = (await pods("payment")).filter(
      ({ metadata, status }) =>
        metadata.labels?.["rollouts-pod-template-hash"] === currentPodHash &&
        status.conditions.some(({ type, status }) => type === "Ready" && status === "True"),
    );
    if (currentPodHash === before || ready.length < 2) throw new Error("no new pods are ready");
    return performance.now();
  });

/** What the analyses of the newest version have measured, for people. */
async function measured(): Promise<string[]> {
  const { currentPodHash } = (await rollout()).status ?? {};
  return (await analyses())
    .filter(({ metadata }) => metadata.labels?.["rollouts-pod-template-hash"] === currentPodHash)
    .flatMap(({ status }) => status?.metricResults ?? [])
    .map(({ name, phase, measurements = [] }) => {
      const { value, message } = measurements.at(-1) ?? {};
      return [name, phase, value ?? message ?? ""].join(" ");
    });
}

/** The hash of the version that customers reach. */
const serving = async () => (await rollout()).status?.blueGreen?.activeSelector ?? "";

test.afterEach.always(putRight);

/** Commits a wrong version under load, sees it aborted, and takes it back. */
async function drill(t: ExecutionContext, name: string, customer: number) {
  const before = await serving();
  const stop = startTraffic({ clients: 8, keepAlive: true, customer });
  await pause(2);
  const broken = await commitFiles(wrong[name] as Changes);
  const ready = await newPodsReady(before);
  const aborted = await until("aborted", 120, ({ status }) => status?.phase === "Degraded");
  const seconds = (aborted - ready) / 1000;
  const what = await measured();
  await retry(30, async () => {
    if ((await serving()) !== before) throw new Error("customers reach the new version");
  });
  await pause(2);
  const reason = `${(await rollout()).status?.message}; ${what.filter((one) => !/ Successful /.test(one))}`;
  const begin = performance.now();
  const { commit: reverted, message, diff } = await takeBack(broken, reason);
  const back = (performance.now() - begin) / 1000;
  const outcome = await stop();
  const { answered, failed } = outcome;
  t.log(`aborted ${seconds.toFixed(1)} s after its pods were ready; ${what.join("; ")}`);
  t.log(
    `${answered} charges answered, ${failed.length} failed; reverted, and live, in ${back.toFixed(1)} s`,
  );
  t.log(message);
  record(`drill-release-${name.replaceAll(/\W+/g, "-")}`, {
    title: `A version ${name}`,
    steps: [
      { step: "aborted after its pods were ready", seconds },
      { step: "reverted by a commit, which is live", seconds: back },
    ],
    answered,
    // What comes through before it is known is what the test is about.
    failed: customer > 1000 ? [] : failed,
  });
  t.true(seconds <= 60, `${seconds} s`);
  t.is(diff, "", "the commit that reverts says what the commit before said");
  t.true(
    (await charges(10)).every(({ status }) => status === 200),
    reverted,
  );
  return outcome;
}

/** What the same version does where nobody watches. */
async function control(t: ExecutionContext, name: string, customer: number, seconds: number) {
  await untilLive(await commitFiles({ ...wrong[name], ...unwatched }));
  await rolledOut();
  const outcome = await startTraffic({ clients: 8, keepAlive: true, customer })(seconds);
  const { answered, accepted, failed } = outcome;
  t.log(
    `${answered} charges answered, ${accepted} accepted, ${failed.length} failed in ${seconds} s`,
  );
  return outcome;
}

const fair = ({ answered, accepted }: { answered: number; accepted: number }) => {
  const [least, most] = fairCoin(answered);
  return accepted >= least && accepted <= most;
};

for (const [name, isWrong] of [
  ["fails one charge in five", ({ failed }) => failed.length > 0],
  ["refuses every charge", ({ accepted }) => accepted === 0],
  ["accepts 90 % where 50 % is configured", (outcome) => !fair(outcome)],
] as [string, (outcome: { answered: number; accepted: number; failed: string[] }) => boolean][]) {
  test.serial(`a version that ${name} reaches no customer, and is taken back`, async (t) => {
    const outcome = await drill(t, name, 1);
    t.deepEqual(outcome.failed, []);
    t.true(fair(outcome), `${outcome.accepted} of ${outcome.answered}`);
  });

  test.serial(`the control: where nobody watches, a version that ${name} is live`, async (t) => {
    t.true(isWrong(await control(t, name, 1, 5)));
  });
}

test.serial("a version that fails for customers whom no probe knows is taken back", async (t) => {
  const name = "fails for customers whom no probe knows";
  const { failed } = await drill(t, name, 5000);
  const { failed: all } = await control(t, name, 5000, 60);
  t.log(`${failed.length} charges failed, and where nobody watches ${all.length} in a minute`);
  t.true(failed.length > 0 && failed.length <= all.length / 4);
});

test.serial("a version that takes ten times as long is taken back", async (t) => {
  const { failed } = await drill(t, "takes ten times as long", 1);
  t.deepEqual(failed, []);
});

test.serial("a good version under load is live, and no charge fails", async (t) => {
  const stop = startTraffic({ clients: 8, keepAlive: true });
  const without = await untilLive(
    await commitFiles({ [valuesFile]: configured("FAULT_LATENCY_MS", 1), ...unwatched }),
  );
  await rolledOut();
  const watched = await untilLive(await commit(valuesFile, configured("FAULT_LATENCY_MS", 2)));
  t.log(await measured());
  const { answered, failed } = await stop();
  t.log(`live after ${watched.toFixed(1)} s, and ${without.toFixed(1)} s where nobody watches`);
  t.log(`${answered} charges answered, ${failed.length} failed`);
  record("drill-release-good", {
    title: "A good version",
    steps: [
      { step: "live", seconds: watched },
      { step: "live where nobody watches", seconds: without },
    ],
    answered,
    failed,
  });
  t.deepEqual(failed, []);
  t.true(watched - without <= 60);
});

test.serial("a good version is live at night, when nobody charges", async (t) => {
  await drained("payment");
  const seconds = await untilLive(await commit(valuesFile, withShare("0.6")));
  t.log(`live after ${seconds.toFixed(1)} s`, await measured());
  t.true(seconds <= 90);
});

test.serial(
  "without Prometheus a release waits, and says why; Argo Rollouts and the API server may start over meanwhile",
  async (t) => {
    const scale = (replicas: number) =>
      kubectl.run(["scale", "deployment/prometheus", "-n", "monitoring", `--replicas=${replicas}`]);
    const before = await serving();
    await autoSync("monitoring", false);
    await scale(0);
    await commit(valuesFile, withShare("0.7"));
    await newPodsReady(before);
    // Longer than what five errors take.
    await pause(75);
    const away = await measured();
    t.log(away);
    t.true(
      away.some((one) => /^seen-by-prometheus Running .*(deadline|refused|timeout)/.test(one)),
    );
    t.is(await serving(), before);
    t.is((await rollout()).status?.phase, "Progressing");

    await kubectl.run(["delete", "pod", "--all", "-n", "rollouts", "--wait=false"]);
    // The kubelet starts it again.
    await run("docker", ["exec", `${cluster}-control-plane`, "pkill", "kube-apiserver"]);
    await retry(120, () => scale(1));
    await retry(60, () => autoSync("monitoring", true));
    await until("live", 180, ({ status }) => status?.phase === "Healthy");
    t.not(await serving(), before);
    t.true((await charges(10)).every(({ status }) => status === 200));
  },
);

test.serial("of two commits the second is live, also amid the release of the first", async (t) => {
  const before = await serving();
  const stop = startTraffic({ clients: 8, keepAlive: true });
  await commit(valuesFile, withShare("0"));
  await newPodsReady(before);
  const second = await commit(valuesFile, withShare("1"));
  t.log(`live after ${(await untilLive(second)).toFixed(1)} s`);
  await rolledOut();
  t.true((await charges(30)).every(({ result }) => result));
  const { failed } = await stop();
  t.deepEqual(failed, []);
});

test.serial(
  "its team ends a release, tries it again, and lets it pass, in Argo CD's UI",
  async (t) => {
    const act = async (user: string, action: string) => {
      const argocd = await as(user);
      const { status } = await argocd.call("POST", "applications/payment/resource/actions/v2", {
        ...{ name: "payment", namespace: "app-payment", resourceName: "payment" },
        ...{ group: "argoproj.io", version: "v1alpha1", kind: "Rollout", action },
      });
      return status;
    };
    const before = await serving();
    await commit(valuesFile, withShare("0.8"));
    await newPodsReady(before);
    t.is(await act("local-antaeus", "abort"), 403);
    t.is(await act("local-payment", "abort"), 200);
    await until("aborted", 30, ({ status }) => status?.phase === "Degraded");
    t.is(await serving(), before);

    t.is(await act("local-payment", "retry"), 200);
    await newPodsReady(before);
    t.is(await act("local-payment", "promote-full"), 200);
    await until("live", 60, ({ status }) => status?.phase === "Healthy");
    t.not(await serving(), before);
  },
);

test.serial("a UI rollback amid a release leaves what was there before", async (t) => {
  const team = await as("local-payment");
  const { body } = await team.call("GET", "applications/payment");
  const good = body.status.history.at(-1);
  const before = await serving();
  const stop = startTraffic({ clients: 8, keepAlive: true });
  await commit(valuesFile, withShare("0.9"));
  await newPodsReady(before);
  const { body: now } = await team.call("GET", "applications/payment");
  const automated = { ...now.spec.syncPolicy.automated, enabled: false };
  const spec = { ...now.spec, syncPolicy: { ...now.spec.syncPolicy, automated } };
  const put = await team.call("PUT", "applications/payment/spec?validate=false", spec);
  t.is(put.status, 200);
  const rollback = { name: "payment", id: good.id };
  t.is((await team.call("POST", "applications/payment/rollback", rollback)).status, 200);
  await until(
    "back",
    60,
    ({ status }) => status?.phase === "Healthy" && status.currentPodHash === before,
  );
  const { failed } = await stop();
  t.deepEqual(failed, []);
  t.is(await serving(), before);
  t.true((await application("payment")).spec?.syncPolicy?.automated?.enabled === false, head);
});
