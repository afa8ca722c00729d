import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { installHook } from "../../tools/local/hook.ts";
import { operations } from "../../tools/repository/markdown-commands.ts";
import { valuesFile, withShare } from "../support/share.ts";
import {
  autoSync,
  charges,
  head,
  kubectl,
  putRight,
  restore,
  untilLive,
} from "./support/cluster.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const clone = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
const inClone = (command: string) => run("bash", ["-ec", command], { cwd: clone, both: true });

/** Commits a change of payment's overlay the way a person does: in a working copy with make up's hook. */
async function mistake(file: string, change: (text: string) => string): Promise<string> {
  await inClone(`git checkout --quiet -B work ${head}`);
  writeFileSync(join(clone, file), change(readFileSync(join(clone, file), "utf8")));
  await inClone("git commit --quiet --all --message 'a mistake'");
  return inClone("git rev-parse HEAD");
}

test.before(async () => {
  await run("git", ["clone", "--quiet", ".", clone]);
  await inClone("git config user.name e2e && git config user.email e2e@localhost");
  await installHook(clone);
});

test.after.always(async () => {
  rmSync(clone, { recursive: true, force: true });
  for (const name of ["root", "payment"]) await autoSync(name, true);
  await restore();
});

test.serial("A version that went live is bad", async (t) => {
  await untilLive(await mistake(valuesFile, withShare("0")));
  t.true((await charges(40)).every(({ result }) => !result));
  for (const commands of operations("A version that went live is bad")) await inClone(commands);
  await untilLive(await inClone("git rev-parse HEAD"));
  t.true((await charges(40)).some(({ result }) => result));
});

test.serial("An application does not follow Git", async (t) => {
  await mistake(overlay, (text) => text.replace("../../base", "../../basement"));
  const printed = await retry(30, async () => {
    const all = [];
    for (const commands of operations("An application does not follow Git")) {
      all.push(await inClone(commands));
    }
    if (!/ComparisonError/.test(all.join())) throw new Error(all.join("\n"));
    return all.join("\n");
  });
  t.regex(printed, /ComparisonError: .*basement/);
  t.regex(printed, /"selfHeal":true/);
  await restore();
});

test.serial("Invoices stay PENDING", async (t) => {
  const printed = [];
  for (const commands of operations("Invoices stay PENDING")) printed.push(await inClone(commands));
  t.regex(printed.join("\n"), /invoices are PAID/);
  t.regex(printed.join("\n"), /"due":\d+,"accepted":\d+/);
  t.regex(printed.join("\n"), /payment-from-antaeus/);
});

for (const heading of [
  "Charges fail",
  "Acceptance is out of bounds",
  "Callers are refused",
  "A pay run is overdue",
  "The backup stopped",
  "A service is down",
  "Prometheus itself fails",
  "A release waits, or was ended",
  "A release was taken back",
]) {
  test.serial(heading, async (t) => {
    for (const commands of operations(heading)) await t.notThrowsAsync(inClone(commands));
  });
}

/** As Ctrl-C leaves it: a commit of a test is live, auto-sync is off, a pod is there. */
async function interrupted(): Promise<void> {
  await untilLive(await mistake(valuesFile, withShare("0")));
  for (const name of ["root", "payment"]) await autoSync(name, false);
  const pod = ["run", "e2e-left", "--image=none", "--restart=Never", "-n", "default"];
  await kubectl.run(pod);
}

test.serial("make e2e was interrupted", async (t) => {
  await interrupted();
  await inClone(`git checkout --quiet --detach ${head}`);
  for (const commands of operations("make e2e was interrupted")) await inClone(commands);
  await untilLive(head);
  t.true((await charges(40)).some(({ result }) => result));
});

test.serial("the next make e2e puts that right before it begins", async (t) => {
  await kubectl.run(["delete", "pod", "e2e-left", "-n", "default"]);
  await interrupted();
  await putRight();
  t.true((await charges(40)).some(({ result }) => result));
  t.is(await kubectl.run(["get", "pods", "-n", "default", "-o", "name"]), "");
});
