import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { throughput } from "../support/results.ts";
import {
  drained,
  fromAntaeus,
  kubectl,
  pods,
  restore,
  rolledOut,
  scalePayment,
} from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";

const folder = "clusters/local/metrics-server";
const replicas = async () => (await pods("payment")).length;

test.after.always(async () => {
  await kubectl.run(["delete", "-k", folder, "--ignore-not-found", "--wait=false"]);
  // Without figures the autoscaler leaves the pods that it added.
  await scalePayment(2);
  await restore();
});

/** CPU time that payment's pods have spent so far, in seconds, as their metrics say. */
async function cpuSeconds(): Promise<number> {
  const addresses = (await pods("payment")).map(({ status }) => status.podIP);
  const { sum } = await fromAntaeus<{ sum: number }>(`
    let sum = 0;
    for (const address of ${JSON.stringify(addresses)}) {
      const metrics = await (await fetch("http://" + address + ":9000/metrics")).text();
      sum += Number(/^process_cpu_seconds_total (\\S+)/m.exec(metrics)[1]);
    }
    return { sum };`);
  return sum;
}

test.serial("throughput by replicas, each without shared state", async (t) => {
  const curve: { replicas: number; chargesPerSecond: number; cpuMicroseconds: number }[] = [];
  for (const count of [1, 2, 4]) {
    await kubectl.run([
      ...["patch", "hpa", "payment", "-n", "app-payment", "--type=merge", "--patch"],
      JSON.stringify({ spec: { minReplicas: count } }),
    ]);
    await scalePayment(count);
    await rolledOut();
    // Those of before take their figures along.
    await drained("payment");
    const seconds = 10;
    const before = await cpuSeconds();
    const { answered, failed } = await startTraffic({ clients: 64, keepAlive: true, pause: 0 })(
      seconds,
    );
    t.deepEqual(failed, []);
    const cpuMicroseconds = (((await cpuSeconds()) - before) / answered) * 1e6;
    curve.push({ replicas: count, chargesPerSecond: answered / seconds, cpuMicroseconds });
    t.log(
      `${count} replicas: ${(answered / seconds).toFixed(0)} charges/s, ${cpuMicroseconds.toFixed(0)} µs of CPU each`,
    );
  }
  record("scale", throughput("Throughput by replicas", curve));
});

test.serial("the autoscaler adds pods under load", async (t) => {
  await kubectl.run(["apply", "-k", folder]);
  await retry(120, async () => {
    const top = await kubectl.run(["top", "pods", "-n", "app-payment", "--no-headers"]);
    if (top.split("\n").length < 2) throw new Error("no figures of the pods yet");
  });
  const before = await replicas();
  const stop = startTraffic({ clients: 32, pause: 10, keepAlive: true });
  const begin = performance.now();
  await retry(95, async () => {
    if ((await replicas()) <= before) throw new Error(`still ${before} pods`);
  });
  t.log(`more than ${before} pods after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  const { answered, failed } = await stop();
  t.log(`${answered} charges answered, ${failed.length} failed; ${await replicas()} pods`);
  t.deepEqual(failed, []);
});
