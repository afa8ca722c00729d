import test from "ava";
import { run } from "../scripts/lib/command.ts";
import { sourceCommit } from "../scripts/lib/images.ts";
import { charges, commit, head, pods, restore } from "./cluster.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";

/** Runs make live to its end. @returns whether the commit is live, and all that was printed */
async function live(COMMIT: string, TIMEOUT: number): Promise<[boolean, string]> {
  const env = { ...process.env, COMMIT, TIMEOUT: String(TIMEOUT) };
  return run(process.execPath, ["scripts/live.ts"], { env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

const share = (value: string) => (text: string) =>
  text.replace("ACCEPTANCE_SHARE=0.5", `ACCEPTANCE_SHARE=${value}`);

test.afterEach.always(restore);

test.serial("a commit is followed until every pod serves it, and not longer", async (t) => {
  const old = (await pods("payment")).map(({ metadata }) => metadata.name);
  const changed = await commit(overlay, share("1"));
  const [isLive, printed] = await live(changed, 120);
  // At once: what make live says is so when it says it.
  const answers = await charges(30);
  t.log(printed);
  t.true(isLive, printed);
  t.regex(printed, new RegExp(`✔ ${changed.slice(0, 7)} is live, \\d+ s after the commit`));
  for (const step of ["sync", "rollout", "serving"])
    t.regex(printed, new RegExp(`✔ ${step} .* \\+\\d+ s`));
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
  const crashing = await commit(overlay, share("half"));
  const [isLive, printed] = await live(crashing, 30);
  t.log(printed);
  t.false(isLive);
  t.regex(printed, /payment is at rollout: payment: 1 of \d updated; .*Crash/);
  t.true((await charges(10)).every(({ status }) => status === 200));
});

test.serial("a commit of source is live by an image that was bumped after it", async (t) => {
  const source = await sourceCommit("payment", head);
  const [isLive, printed] = await live(source, 60);
  t.log(printed);
  t.true(isLive, printed);
  const image = (await pods("payment"))[0]?.spec.containers[0]?.image ?? "";
  t.true(image.includes(source.slice(0, 12)) && printed.includes(image), image);
  for (const step of ["image", "bump", "sync", "rollout", "serving"])
    t.regex(printed, new RegExp(`✔ ${step}`));
});
