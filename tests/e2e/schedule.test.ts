import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import type { ArgoCD } from "../../tools/kubernetes/argocd.ts";
import { as } from "./support/argocd.ts";
import {
  commit,
  currentInvoices,
  kubectl,
  putRight,
  restore,
  setAntaeus,
  untilLive,
} from "./support/cluster.ts";

const namespace = "app-antaeus";
const cronJob = "antaeus-pay-run";

interface Job {
  metadata: { name: string; creationTimestamp: string };
  status: { active?: number; succeeded?: number; failed?: number };
}

const jobs = async (): Promise<Job[]> =>
  (await kubectl.json<{ items: Job[] }>(["get", "jobs", "-n", namespace])).items;

/** An action of the CronJob in Argo CD's UI. */
async function press(team: ArgoCD, action: string): Promise<number> {
  const { status } = await team.call("POST", "applications/antaeus/resource/actions/v2", {
    ...{ name: "antaeus", namespace, resourceName: cronJob, action },
    ...{ group: "batch", version: "v1", kind: "CronJob" },
  });
  return status;
}

/** Starts a Job by hand. Argo CD names it after the minute, so a second one has to wait for the next. */
async function start(): Promise<void> {
  const team = await as("local-antaeus");
  await retry(70, async () => {
    const status = await press(team, "create-job");
    if (status !== 200) throw new Error(`create-job: ${status}`);
  });
}

/** Ends when there is a Job that was not there before, and it has ended. */
async function untilDone(before: Job[], seconds: number): Promise<Job> {
  const known = before.map(({ metadata }) => metadata.name);
  return retry(seconds, async () => {
    const found = (await jobs()).find(({ metadata }) => !known.includes(metadata.name));
    if (!found?.status.succeeded) throw new Error(`${found?.metadata.name}: not done`);
    return found;
  });
}

const pending = async () =>
  (await currentInvoices()).filter(({ status }) => status === "PENDING").length;

test.after.always(restore);

test.serial("the team starts a pay run by hand, and no other team does", async (t) => {
  const before = await jobs();
  t.is(await press(await as("local-payment"), "create-job"), 403);
  t.deepEqual(await jobs(), before);

  const due = await pending();
  await start();
  const { metadata } = await untilDone(before, 90);
  const said = await kubectl.run(["logs", `job/${metadata.name}`, "-n", namespace]);
  t.regex(said, /^pay run \S+: every charge has its answer/m);
  if (due > 20) t.true((await pending()) < due);
});

test.serial(
  "a pay run that meets an Antaeus that is away asks again until it is back",
  async (t) => {
    const before = await jobs();
    t.teardown(putRight);
    await setAntaeus(false);
    await start();
    // It asks, and nobody answers.
    const of = ["get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=antaeus-pay-run"];
    await retry(60, async () => {
      const phases = await kubectl.run([...of, "-o", "jsonpath={.items[*].status.phase}"]);
      if (!phases.includes("Running")) throw new Error(phases);
    });
    await setAntaeus(true);
    const { metadata } = await untilDone(before, 180);
    const said = await kubectl.run(["logs", `job/${metadata.name}`, "-n", namespace]);
    t.regex(said, /every charge has its answer/);
  },
);

test.serial(
  "the team suspends the schedule; Git says nothing of that, and it stays so",
  async (t) => {
    const team = await as("local-antaeus");
    const suspended = () =>
      kubectl.run(["get", "cronjob", cronJob, "-n", namespace, "-o", "jsonpath={.spec.suspend}"]);
    t.is(await press(team, "suspend"), 200);
    t.is(await suspended(), "true");
    // Argo CD compares what is there with Git, and puts back what differs.
    const refresh = ["--overwrite", "argocd.argoproj.io/refresh=hard"];
    const annotate = ["annotate", "applications.argoproj.io", "antaeus", "-n", "argocd"];
    await kubectl.run([...annotate, ...refresh]);
    await retry(30, async () => {
      const get = ["get", "applications.argoproj.io", "antaeus", "-n", "argocd", "-o"];
      if (
        await kubectl.run([
          ...get,
          "jsonpath={.metadata.annotations.argocd\\.argoproj\\.io/refresh}",
        ])
      )
        throw new Error("it has not looked yet");
    });
    t.is(await suspended(), "true");
    // The control: what Git does name is put back.
    const patch = JSON.stringify({ spec: { schedule: "0 7 1 * *" } });
    await kubectl.run(["patch", "cronjob", cronJob, "-n", namespace, "--type=merge", "-p", patch]);
    await retry(60, async () => {
      const get = ["get", "cronjob", cronJob, "-n", namespace, "-o", "jsonpath={.spec.schedule}"];
      if ((await kubectl.run(get)) !== "0 6 1 * *") throw new Error("another schedule");
    });
    t.is(await suspended(), "true");
    t.is(await press(team, "resume"), 200);
    t.not(await suspended(), "true");
  },
);

test.serial("by a schedule of each minute a pay run comes by itself", async (t) => {
  const before = await jobs();
  const often = await commit("apps/antaeus/pay-run/cron-job.yaml", (text) =>
    text.replace('schedule: "0 6 1 * *"', 'schedule: "* * * * *"'),
  );
  await untilLive(often);
  const { metadata } = await untilDone(before, 150);
  t.regex(metadata.name, /^antaeus-pay-run-\d+$/);
});
