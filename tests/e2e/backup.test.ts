import { setTimeout } from "node:timers/promises";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { untilBackedUp } from "../../tools/pay-run/backup.ts";
import { payRun } from "../../tools/pay-run/pay-run.ts";
import { operations } from "../../tools/repository/markdown-commands.ts";
import {
  antaeus,
  application,
  autoSync,
  currentInvoices,
  head,
  kubectl,
  pods,
  restore,
  setAntaeus,
  untilLive,
} from "./support/cluster.ts";

const [lost = "", interrupted = ""] = operations("Invoices are lost or wrong");

test.after.always(async () => {
  await kubectl.run(["scale", "deployment/antaeus", "--replicas=1", "-n", "app-antaeus"]);
  await autoSync("antaeus", true);
  await restore();
});

test.serial("the volume is lost, and its invoices come back from the backup", async (t) => {
  const before = await currentInvoices();
  await untilBackedUp(antaeus);
  const begun = performance.now();
  await run("bash", ["-ec", lost]);
  t.deepEqual(await currentInvoices(), before);
  t.log(`back after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  await untilLive(head);
});

test.serial("make restore brings back the invoices of before a pay run", async (t) => {
  const before = await currentInvoices();
  await untilBackedUp(antaeus);
  const TIME = new Date().toISOString();
  await setTimeout(1000);
  const { after } = await payRun(antaeus);
  t.notDeepEqual(after, before);
  await untilBackedUp(antaeus);
  const env = { ...process.env, TIME };
  const begun = performance.now();
  t.regex(await run("make", ["restore"], { env }), /What was there before is in the volume/);
  t.log(`back after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  t.deepEqual(await currentInvoices(), before);
  t.true((await application("antaeus")).spec?.syncPolicy?.automated?.enabled);
  await untilLive(head);
});

test.serial("a moment from before the backup changes nothing", async (t) => {
  const before = await currentInvoices();
  const env = { ...process.env, TIME: "2020-01-01T00:00:00Z" };
  const { message = "" } = (await t.throwsAsync(run("make", ["restore"], { env }))) ?? {};
  t.regex(message, /no matching backup files available/);
  t.deepEqual(await currentInvoices(), before);

  // What one leaves that was interrupted.
  await setAntaeus(false);
  await run("bash", ["-ec", interrupted]);
  const status = ["rollout", "status", "deployment/antaeus", "-n", "app-antaeus"];
  await kubectl.run([...status, "--timeout=90s"]);
  t.deepEqual(await currentInvoices(), before);
  t.true((await application("antaeus")).spec?.syncPolicy?.automated?.enabled);
  await untilLive(head);
});

/** Deletes Antaeus' pod. @returns whether the next one had a node while the deleted one still ended */
async function overlap(): Promise<boolean> {
  const [old] = await pods("antaeus");
  const name = ["pod", old?.metadata.name ?? "", "-n", "app-antaeus"];
  await kubectl.run(["delete", ...name, "--wait=false"]);
  let overlapped = false;
  for (;;) {
    const next = await pods("antaeus");
    // Once its containers have ended its phase is another one, and then it is gone.
    const phase = ["--ignore-not-found", "-o", "jsonpath={.status.phase}"];
    if ((await kubectl.run(["get", ...name, ...phase])) !== "Running") return overlapped;
    overlapped ||= next.some(({ status }) =>
      status.conditions?.some(({ type, status }) => type === "PodScheduled" && status === "True"),
    );
    await setTimeout(200);
  }
}

test.serial("a pod that is deleted ends before the next one begins", async (t) => {
  t.false(await overlap());
  await untilLive(head);
  await untilBackedUp(antaeus);

  // The control.
  await autoSync("antaeus", false);
  const patch = ["patch", "deployment/antaeus", "-n", "app-antaeus", "--type=merge", "--patch"];
  await kubectl.run([...patch, '{"spec":{"template":{"spec":{"affinity":null}}}}']);
  const status = ["rollout", "status", "deployment/antaeus", "-n", "app-antaeus"];
  await kubectl.run([...status, "--timeout=90s"]);
  t.true(await overlap());
  await autoSync("antaeus", true);
  await untilLive(head);
});
