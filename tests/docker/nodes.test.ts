import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run, succeeds } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { filesOf, head } from "../../tools/git/git.ts";
import { Kubectl } from "../../tools/kubernetes/cluster.ts";
import { withLocalImages } from "../../tools/local/local-images.ts";
import { count, type Invoice, invoices, isFair, payRun } from "../../tools/pay-run/pay-run.ts";
import {
  address,
  removeSecondCluster,
  secondCluster,
  startSecondCluster,
} from "../support/second-cluster.ts";
import { startCaller, startTrafficFrom } from "../support/traffic.ts";

// What one node cannot show: where pods go, and what is lost with a node.
const shared = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-shared-"));
chmodSync(shared, 0o777);
const workers = [`${secondCluster}-worker`, `${secondCluster}-worker2`];
const antaeus = `http://${address}:30008`;
/** The pod that charges: where no node of this test goes away. */
const caller = "caller";
const kubectl = new Kubectl(`kind-${secondCluster}`);
const files = await filesOf(await withLocalImages(await head()));

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string; message?: string }[] };
}

const isReady = ({ status }: Pod) =>
  status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

async function pods(service: string): Promise<Pod[]> {
  const selector = `app.kubernetes.io/name=${service}`;
  const get = ["get", "pods", "-n", `app-${service}`, "-l", selector];
  const { items } = await kubectl.json<{ items: Pod[] }>(get);
  return items.filter(({ metadata }) => !metadata.deletionTimestamp && metadata.name !== caller);
}

/** The nodes of a service's pods, one entry a pod. */
const nodesOf = async (service: string) => (await pods(service)).map(({ spec }) => spec.nodeName);

/** The invoices, unless Antaeus is silent: a connection to a dead node would not end for minutes. */
const invoicesSoon = () =>
  Promise.race([
    invoices(antaeus),
    pause(3).then(() => {
      throw new Error("Antaeus is silent");
    }),
  ]);

const paid = (all: Invoice[]) => all.filter(({ status }) => status === "PAID").map(({ id }) => id);

const rolledOut = (service: string) =>
  kubectl.run([
    ...["rollout", "status", `deployment/${service}`, "-n", `app-${service}`, "--timeout=3m"],
  ]);

/** Ends when both services answer, also where the Service led to another pod before. */
const deploy = async () => {
  await kubectl.run(["apply", "-k", join(files, "clusters/without-argocd")]);
  await rolledOut("payment");
  await rolledOut("antaeus");
  await retry(30, invoicesSoon);
};

/** Starts payment's pods anew, so that the scheduler places them again. */
async function placeAgain(): Promise<void> {
  await kubectl.run(["rollout", "restart", "deployment/payment", "-n", "app-payment"]);
  await rolledOut("payment");
  await retry(60, async () => {
    const nodes = await kubectl.json<{ items: Pod[] }>(["get", "pods", "-n", "app-payment"]);
    if (nodes.items.length > 2) throw new Error("old pods drain");
  });
}

const drain = (node: string) =>
  kubectl.run(["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=2m"]);
const uncordon = (node: string) => kubectl.run(["uncordon", node]);

/** Callers that keep their connections, from where no node goes away. */
const startTraffic = (clients = 8) =>
  startTrafficFrom(kubectl, caller, { clients, keepAlive: true });
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** The fewest pods of payment's that were ready at a time, while something is done. */
async function fewestReady(body: () => Promise<unknown>): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  let watching = true;
  const watch = async () => {
    while (watching) {
      fewest = Math.min(fewest, (await pods("payment")).filter(isReady).length);
      await pause(0.2);
    }
  };
  const watched = watch();
  await body().finally(() => {
    watching = false;
  });
  await watched;
  return fewest;
}

test.before(async () => {
  await startSecondCluster(workers.length, shared);
  await deploy();
  await startCaller(kubectl, caller, { nodeName: `${secondCluster}-control-plane` });
});

test.after.always(async () => {
  // Litestream's folders there are not this user's.
  const empty = "rm -rf /shared/* /shared/.[!.]*";
  await succeeds("docker", ["exec", workers[0] ?? "", "sh", "-c", empty]);
  await removeSecondCluster();
  rmSync(shared, { recursive: true });
});

test.serial(
  "payment's pods are on different nodes, and so are those of each next version",
  async (t) => {
    for (let version = 1; ; version++) {
      t.deepEqual((await nodesOf("payment")).sort(), workers, `version ${version}`);
      if (version === 4) break;
      await placeAgain();
    }
  },
);

test.serial("each node is drained in turn, under load: no charge fails", async (t) => {
  const before = await invoices(antaeus);
  const [home] = await nodesOf("antaeus");
  const stop = startTraffic();
  for (const node of workers) {
    const fewest = await fewestReady(() => drain(node));
    t.true(fewest >= 1, `${fewest} of payment's pods were ready`);
    await rolledOut("payment");
    t.false((await nodesOf("payment")).includes(node));
    if (node === home) {
      // Its volume is on the node's own disk, so it waits, and Kubernetes says why.
      const why = await retry(60, async () => {
        const [pod] = await pods("antaeus");
        const scheduled = pod?.status.conditions?.find(({ type }) => type === "PodScheduled");
        if (!scheduled?.message) throw new Error("nothing is said about where Antaeus can run");
        return scheduled.message;
      });
      t.log(why);
      t.regex(why, /node affinity/);
    }
    await uncordon(node);
    await rolledOut("antaeus");
  }
  const { answered, failed } = await stop();
  t.log(`${answered} charges answered, ${failed.length} failed`);
  t.deepEqual(failed, []);
  t.true(answered > 1000);
  t.deepEqual(await retry(30, invoicesSoon), before, "Antaeus is back, with its invoices");
});

test.serial(
  "the control: without a disruption budget a drain takes all pods at once",
  async (t) => {
    // Both are on one node now: the other one was drained last.
    const [node = ""] = await nodesOf("payment");
    t.deepEqual(await nodesOf("payment"), [node, node]);
    await kubectl.run(["delete", "poddisruptionbudget", "payment", "-n", "app-payment"]);
    t.is(await fewestReady(() => drain(node)), 0);
    await uncordon(node);
    await deploy();
  },
);

/** What was PAID and is not, or is gone. */
const lost = (before: Invoice[], after: Invoice[]) => {
  const [still, there] = [new Set(paid(after)), new Set(after.map(({ id }) => id))];
  return [
    ...paid(before).filter((id) => !still.has(id)),
    ...before.map(({ id }) => id).filter((id) => !there.has(id)),
  ];
};

test.serial("a node dies amid a pay run: the run goes on by the other", async (t) => {
  await placeAgain();
  t.deepEqual((await nodesOf("payment")).sort(), workers);
  const [home] = await nodesOf("antaeus");
  const victim = workers.find((node) => node !== home) ?? "";
  t.teardown(() => run("docker", ["start", victim]));
  // Every node leads to both pods by then, and so many connections to each of them.
  await pause(3);
  const stop = startTraffic(16);
  await pause(2);
  const run1 = payRun(antaeus);
  await run("docker", ["kill", victim]);
  const begin = performance.now();
  const during = await run1;
  t.deepEqual(lost(during.before, during.after), []);
  t.log(
    `the run took ${(during.milliseconds / 1000).toFixed(1)} s, and lost nothing`,
    count(during),
  );
  t.true(isFair(during), "payment's other pod answers what the dead one did not");
  await retry(120, async () => {
    if ((await pods("payment")).filter(isReady).length > 1) throw new Error("it counts as ready");
  });
  const seconds = (performance.now() - begin) / 1000;
  t.log(`${seconds.toFixed(0)} s until Kubernetes takes the node for dead`);
  const next = await payRun(antaeus);
  t.deepEqual(lost(during.after, next.after), []);
  t.true(isFair(next));
  // The control: who asks once and no more sees that something was lost.
  const { answered, failed } = await stop();
  t.log(`callers that ask once: ${answered} charges answered, ${failed.length} failed`);
  t.true(failed.length > 0);
  await run("docker", ["start", victim]);
  await kubectl.run(["wait", `node/${victim}`, "--for=condition=Ready", "--timeout=2m"]);
  await rolledOut("payment");
});

test.serial(
  "Antaeus' node dies amid a pay run: what was PAID is PAID when the node is back",
  async (t) => {
    const [home = ""] = await nodesOf("antaeus");
    const before = await invoices(antaeus);
    // Nobody answers it: its only writer dies.
    payRun(antaeus).catch(() => {});
    await pause(0.5);
    await run("docker", ["kill", home]);
    await run("docker", ["start", home]);
    const begin = performance.now();
    const after = await retry(180, invoicesSoon);
    t.log(
      `${((performance.now() - begin) / 1000).toFixed(0)} s from the start of the node to an answer`,
    );
    t.log(`${paid(before).length} PAID before, ${paid(after).length} after, of ${after.length}`);
    t.deepEqual(lost(before, after), []);
    t.true(isFair(await payRun(antaeus)));
  },
);

test.serial("on storage that every node reaches, Antaeus moves with its invoices", async (t) => {
  const inAntaeus = ["-n", "app-antaeus"];
  await kubectl.run([
    "delete",
    "deployment/antaeus",
    "persistentvolumeclaim/antaeus",
    "persistentvolumeclaim/antaeus-backup",
    ...inAntaeus,
  ]);
  for (const name of ["antaeus", "antaeus-backup"]) {
    mkdirSync(join(shared, name));
    chmodSync(join(shared, name), 0o777);
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `shared-${name}` },
      spec: {
        storageClassName: "standard",
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        claimRef: { namespace: "app-antaeus", name },
        hostPath: { path: `/shared/${name}` },
      },
    };
    await kubectl.run(["apply", "-f", "-"], JSON.stringify(volume));
  }
  await deploy();
  await payRun(antaeus);
  const before = await invoices(antaeus);
  const [home = ""] = await nodesOf("antaeus");
  const begin = performance.now();
  await drain(home);
  await rolledOut("antaeus");
  const [now] = await nodesOf("antaeus");
  t.log(`on another node after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  t.not(now, home);
  t.deepEqual(await retry(30, invoicesSoon), before);
});

test.serial(
  "a pay run that is missed while the cluster is down is made when it is back: once",
  async (t) => {
    const ofAntaeus = ["-n", "app-antaeus"];
    const get = ["get", "cronjob", "antaeus-pay-run", ...ofAntaeus];
    const { spec } = await kubectl.json<{ spec: object }>(get);
    // Late enough for the control plane to be down by then.
    const due = new Date(Date.now() + 60_000);
    due.setUTCSeconds(0, 0);
    if (due.getTime() - Date.now() < 20_000) due.setTime(due.getTime() + 60_000);
    const schedule = `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
    const cronJob = (name: string, more = {}) => ({
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name, namespace: "app-antaeus" },
      spec: { ...spec, schedule, ...more },
    });
    // The control gives a run up that is more than fifteen seconds late.
    const items = [cronJob("missed"), cronJob("late", { startingDeadlineSeconds: 15 })];
    const list = { apiVersion: "v1", kind: "List", items };
    await kubectl.run(["apply", "-f", "-"], JSON.stringify(list));

    await run("docker", ["stop", `${secondCluster}-control-plane`]);
    t.true(Date.now() < due.getTime());
    await pause((due.getTime() - Date.now()) / 1000 + 20);
    await run("docker", ["start", `${secondCluster}-control-plane`]);
    const jobs = async () =>
      (
        await kubectl.json<{
          items: { metadata: { name: string }; status: { succeeded?: number } }[];
        }>(["get", "jobs", ...ofAntaeus])
      ).items;
    const [job] = await retry(180, async () => {
      const all = await jobs();
      if (!all.some(({ status }) => status.succeeded)) throw new Error("no run has ended");
      return all;
    });
    t.is(job?.metadata.name, `missed-${due.getTime() / 60_000}`);
    await pause(30);
    t.is((await jobs()).length, 1);
  },
);
