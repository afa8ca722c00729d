import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { publish } from "../../tools/delivery/git-endpoint.ts";
import { sourceCommit } from "../../tools/images/images.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { charges, commit, head, kubectl, pods, restore } from "./support/cluster.ts";

/** Runs make live to its end. @returns whether the commit is live, and all that was printed */
async function live(COMMIT: string, TIMEOUT: number): Promise<[boolean, string]> {
  const env = { ...process.env, COMMIT, TIMEOUT: String(TIMEOUT) };
  return run(process.execPath, ["tools/commands/live.ts"], { env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

test.afterEach.always(restore);

test.serial("a commit is followed until every pod serves it, and not longer", async (t) => {
  const old = (await pods("payment")).map(({ metadata }) => metadata.name);
  const changed = await commit(valuesFile, withShare("1"));
  const [isLive, printed] = await live(changed, 120);
  // At once: what make live says is so when it says it.
  const answers = await charges(30);
  t.log(printed);
  t.true(isLive, printed);
  t.regex(printed, new RegExp(`✔ ${changed.slice(0, 7)} is live, \\d+ s after the commit`));
  for (const step of ["sync", "rollout"]) t.regex(printed, new RegExp(`✔ ${step} .* \\+\\d+ s`));
  t.notRegex(printed, /[✔…✘] (image|bump)/, "no source was changed");
  t.true(answers.every(({ status, result }) => status === 200 && result));
  const now = await pods("payment");
  t.false(now.some(({ metadata }) => old.includes(metadata.name)));

  await restore();
  const [isLiveStill, gone] = await live(changed, 5);
  t.false(isLiveStill);
  t.regex(gone, /is not merged: main of .* does not have it/);
});

test.serial("a commit that crashes is not live, and make live says where it is", async (t) => {
  const crashing = await commit(valuesFile, withShare("half"));
  const [isLive, printed] = await live(crashing, 30);
  t.log(printed);
  t.false(isLive);
  t.regex(printed, /payment is at rollout: payment: \d of \d updated.*Crash/);
  t.true((await charges(10)).every(({ status }) => status === 200));
});

test.serial("a commit of source is live by an image that was bumped after it", async (t) => {
  const source = await sourceCommit("payment", head);
  const [isLive, printed] = await live(source, 60);
  t.log(printed);
  t.true(isLive, printed);
  const image = (await pods("payment"))[0]?.spec.containers[0]?.image ?? "";
  t.true(image.includes(source.slice(0, 12)) && printed.includes(image), image);
  for (const step of ["image", "bump", "sync", "rollout"])
    t.regex(printed, new RegExp(`✔ ${step}`));
});

test.serial("docs/delivery.md's commands bring a change from a branch to the pods", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const [origin, work] = [join(root, "origin"), join(root, "work")];
  const inOrigin = (...args: string[]) => run("git", ["-C", origin, ...args]);
  const shell = (commands: string) => run("bash", ["-ec", commands], { cwd: work, both: true });
  await run("git", ["clone", "--quiet", "--bare", "--no-hardlinks", ".", origin]);
  await inOrigin("update-ref", "refs/heads/main", head);
  await inOrigin("symbolic-ref", "HEAD", "refs/heads/main");
  await run("git", ["clone", "--quiet", origin, work]);
  symlinkSync(resolve(".tools"), join(work, ".tools"));
  await shell("git config user.name e2e; git config user.email e2e@localhost");

  const [begin = "", middle = "", end = ""] = commandsUnder("docs/delivery.md", "Deploy a change");
  await shell(begin);
  const file = join(work, valuesFile);
  writeFileSync(file, withShare("1")(readFileSync(file, "utf8")));
  t.regex(await shell(middle), /^\+ +value: "1"$/m);

  // Squashed, as the ruleset has it: another commit, with the same files.
  const squash = ["commit-tree", "more-accepted^{tree}", "-p", "main", "-m", "squashed"];
  const author = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"];
  const merged = await inOrigin(...author, ...squash);
  await inOrigin("update-ref", "refs/heads/main", merged);
  await publish(kubectl, merged, origin);

  t.regex(await shell(end), new RegExp(`${merged.slice(0, 7)} is live`));
  t.true((await charges(30)).every(({ status, result }) => status === 200 && result));
});
