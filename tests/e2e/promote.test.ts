import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { publish } from "../../tools/delivery/git-endpoint.ts";
import { imageIn, overlayFile } from "../../tools/images/images.ts";
import { withLocalImages } from "../../tools/local/local-images.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { kubectl, pods, restore, untilLive } from "./support/cluster.ts";

const production = overlayFile("payment", "production");
const clone = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
const git = (...args: string[]) => run("git", args, { cwd: clone });

/** Runs make promote in the clone. @returns whether it succeeded, and all that it printed */
const promote = () =>
  run("make", ["--silent", "promote", "SERVICE=payment"], { cwd: clone, both: true }).then(
    (printed) => ({ succeeded: true, printed }),
    (error: Error) => ({ succeeded: false, printed: error.message }),
  );

/** Changes payment's overlay in the clone. @returns the commit, with its images */
async function commit(change: (text: string) => string): Promise<string> {
  const file = join(clone, valuesFile);
  const before = readFileSync(file, "utf8");
  const after = change(before);
  if (after === before) throw new Error("nothing changed");
  writeFileSync(file, after);
  await git("commit", "--quiet", "--all", "--message", "e2e: before a promotion");
  return withLocalImages(await git("rev-parse", "HEAD"), { folder: clone });
}

test.before(async () => {
  await run("git", ["clone", "--quiet", ".", clone]);
  await git("config", "user.name", "e2e");
  await git("config", "user.email", "e2e@localhost");
});

test.after.always(async () => {
  rmSync(clone, { recursive: true, force: true });
  await restore();
});

test.serial("the image that runs here is promoted, in two lines", async (t) => {
  await restore();
  const { succeeded, printed } = await promote();
  t.true(succeeded, printed);
  const [pod] = await pods("payment");
  const [branch = ""] = (await git("branch", "--list", "promote-*")).split("\n");
  const { name, newTag, digest } = imageIn(await git("show", `${branch.trim()}:${production}`));
  t.is(`${name}:${newTag}@${digest}`, pod?.spec.containers[0]?.image ?? "");
  t.is(await git("diff", "--name-only", "HEAD", branch.trim()), production);
  t.is(await git("status", "--porcelain"), "");
  await git("branch", "-D", branch.trim());
});

test.serial("what was not deployed yet is not promoted", async (t) => {
  const deployed = await commit((text) => `# Not deployed.\n${text}`);
  const { succeeded, printed } = await promote();
  t.false(succeeded);
  t.regex(printed, new RegExp(`the newest commit is ${deployed.slice(0, 7)}: wait`));
  await publish(kubectl, deployed, clone);
  await untilLive(deployed);
});

test.serial("what fails its smoke test is not promoted, though it is Healthy", async (t) => {
  const deployed = await commit(withShare("0"));
  await publish(kubectl, deployed, clone);
  await untilLive(deployed);
  const { succeeded, printed } = await promote();
  t.false(succeeded);
  t.regex(printed, /Not promoted:\n +0 of 100 charges accepted/);
  t.is(await git("branch", "--list", "promote-*"), "");
});
