import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { valuesFile } from "../support/share.ts";
import {
  antaeus,
  commit,
  currentInvoices,
  kubectl,
  pods,
  restore,
  rolledOut,
  scalePayment,
  untilLive,
} from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";
import { configured } from "./support/versions.ts";

/** Evicts payment's pods one after another while 48 clients charge on connections that they keep. */
async function replaceUnderLoad() {
  const stop = startTraffic({ clients: 48, pause: 10, keepAlive: true });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const begin = performance.now();
  for (const { metadata } of await pods("payment")) {
    await retry(60, async () => {
      const answer = await evict(metadata.name);
      if (answer !== "evicted") throw new Error(answer);
    });
  }
  await rolledOut();
  const seconds = (performance.now() - begin) / 1000;
  return { ...(await stop()), seconds };
}

test.afterEach.always(restore);

test.serial(
  "48 clients that keep their connections lose no charge while pods are replaced",
  async (t) => {
    const { answered, failed, seconds } = await replaceUnderLoad();
    t.log(`${answered} charges answered, ${failed.length} failed`);
    const steps = [{ step: "pods replaced, 48 kept connections", seconds }];
    record("drill-drain", { title: "Pods replaced under load", steps, answered, failed });
    t.deepEqual(failed, []);
    t.true(answered > 2000);
  },
);

test.serial("the control: with draining off the same clients lose charges", async (t) => {
  await untilLive(await commit(valuesFile, configured("DRAIN_SECONDS", 0)));
  const { answered, failed } = await replaceUnderLoad();
  t.log(`${answered} charges answered, ${failed.length} failed: ${failed.slice(0, 3)} ...`);
  t.true(failed.length > 0);
});

test.serial("a change of configuration loses no charge", async (t) => {
  const stop = startTraffic({ clients: 8, keepAlive: true });
  const changed = await commit(valuesFile, configured("FAULT_LATENCY_MS", 1));
  const seconds = await untilLive(changed);
  await rolledOut();
  const { answered, failed } = await stop();
  t.log(
    `live after ${seconds.toFixed(1)} s; ${answered} charges answered, ${failed.length} failed`,
  );
  t.deepEqual(failed, []);
});

/** Asks for a pod to leave its node, as kubectl drain does. @returns what the API server says */
async function evict(name: string): Promise<string> {
  const eviction = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace: "app-payment" },
  };
  const path = `/api/v1/namespaces/app-payment/pods/${name}/eviction`;
  return kubectl.run(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction)).then(
    () => "evicted",
    (error: Error) => error.message,
  );
}

test.serial(
  "a node that is drained takes payment's pods one at a time, and no charge fails",
  async (t) => {
    const stop = startTraffic({ clients: 8, keepAlive: true });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const [first = "", second = ""] = (await pods("payment")).map(({ metadata }) => metadata.name);
    t.is(await evict(first), "evicted");
    // The control: the budget refuses the second one until there is another in place of the first.
    t.regex(
      await evict(second),
      /Cannot evict pod as it would violate the pod's disruption budget/,
    );
    let refused = 0;
    await retry(60, async () => {
      const answer = await evict(second);
      if (answer !== "evicted") {
        refused++;
        throw new Error(answer);
      }
    });
    const { answered, failed } = await stop();
    t.log(`${answered} charges answered, ${failed.length} failed; refused ${refused} more times`);
    t.deepEqual(failed, []);
    const names = (await pods("payment")).map(({ metadata }) => metadata.name);
    t.false(names.includes(first) || names.includes(second));
  },
);

test.serial("a new version of Antaeus is a short silence, and no invoice is lost", async (t) => {
  const before = await currentInvoices();
  const silence: number[] = [];
  let watching = true;
  const watch = async () => {
    while (watching) {
      const answer = await fetch(`${antaeus}/rest/health`, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(1000),
      }).catch(() => undefined);
      if (!answer?.ok) silence.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const watched = watch();
  const changed = await commit(
    "apps/antaeus/overlays/testing/deployment.yaml",
    configured("CHARGE_TIMEOUT_MS", 4321),
  );
  await untilLive(changed);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  watching = false;
  await watched;
  const seconds = ((silence.at(-1) ?? 0) - (silence[0] ?? 0)) / 1000;
  t.log(`${silence.length} calls failed, within ${seconds.toFixed(1)} s`);
  record("drill-antaeus", {
    title: "Antaeus is replaced: its one writer stops before the next one starts",
    steps: [{ step: "no answer", seconds }],
  });
  t.true(silence.length > 0, "one writer: there is a silence");
  t.true(seconds < 30);
  t.deepEqual(await currentInvoices(), before);
});

test.serial("from no pods at all to the first charge", async (t) => {
  await scalePayment(0);
  await retry(60, async () => {
    if ((await pods("payment")).length > 0) throw new Error("there are pods");
  });
  const stop = startTraffic({ clients: 1 });
  const begin = performance.now();
  await scalePayment(1);
  await rolledOut();
  const seconds = (performance.now() - begin) / 1000;
  const { answered } = await stop();
  t.log(
    `a pod that answers ${seconds.toFixed(1)} s after it was asked for; ${answered} charges since`,
  );
  t.true(answered > 0);
  await scalePayment(2);
  await rolledOut();
});
