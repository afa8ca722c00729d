import test from "ava";
import { retry } from "../scripts/lib/progress.ts";
import { kubectl, pods, restore } from "./cluster.ts";
import { record } from "./report.ts";
import { startTraffic } from "./traffic.ts";

const folder = "clusters/local/metrics-server";
const replicas = async () => (await pods("payment")).length;

test.after.always(async () => {
  await kubectl.run(["delete", "-k", folder, "--ignore-not-found", "--wait=false"]);
  await restore();
});

test.serial("throughput by replicas, each without shared state", async (t) => {
  const curve: { replicas: number; chargesPerSecond: number }[] = [];
  for (const count of [1, 2, 4]) {
    await kubectl.run([
      ...["patch", "hpa", "payment", "-n", "app-payment", "--type=merge", "--patch"],
      JSON.stringify({ spec: { minReplicas: count } }),
    ]);
    await kubectl.run(["scale", "deployment/payment", "-n", "app-payment", `--replicas=${count}`]);
    await kubectl.run(["rollout", "status", "deployment/payment", "-n", "app-payment"]);
    const seconds = 10;
    const { answered, failed } = await startTraffic({ clients: 64, keepAlive: true, pause: 0 })(
      seconds,
    );
    t.deepEqual(failed, []);
    curve.push({ replicas: count, chargesPerSecond: answered / seconds });
    t.log(`${count} replicas: ${(answered / seconds).toFixed(0)} charges/s`);
  }
  record("scale", { title: "Throughput by replicas", curve });
});

test.serial("the autoscaler adds pods under load", async (t) => {
  await kubectl.run(["apply", "-k", folder]);
  await retry(120, async () => {
    const top = await kubectl.run(["top", "pods", "-n", "app-payment", "--no-headers"]);
    if (top.split("\n").length < 2) throw new Error("no figures of the pods yet");
  });
  const before = await replicas();
  const stop = startTraffic({ clients: 32, keepAlive: true });
  const begin = performance.now();
  await retry(95, async () => {
    if ((await replicas()) <= before) throw new Error(`still ${before} pods`);
  });
  t.log(`more than ${before} pods after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  const { answered, failed } = await stop();
  t.log(`${answered} charges answered, ${failed.length} failed; ${await replicas()} pods`);
  t.deepEqual(failed, []);
});
