import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { bump } from "../../tools/delivery/bump-commit.ts";
import { endpoint } from "../../tools/delivery/git-endpoint.ts";
import type { Rollout } from "../../tools/delivery/rollout.ts";
import { commitFile, textAt } from "../../tools/git/git.ts";
import { built, sourceOf } from "../../tools/images/build.ts";
import {
  type Image,
  imageIn,
  overlayFile,
  sourceCommit,
  withImage,
} from "../../tools/images/images.ts";
import { branch } from "../../tools/kubernetes/cluster.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import { median } from "../../tools/pages/numbers.ts";
import { fromAntaeus, head, kubectl, restore, rolledOut, rollout } from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";
import { tell } from "./support/webhook.ts";

const clone = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
const remote = endpoint(kubectl);
const overlay = overlayFile("payment", "testing");
const git = (...args: string[]) => run("git", ["-C", clone, ...args]);

/** Pushes to main, as a merge does, and has Argo CD told as GitHub tells it. */
async function merge(commit: string): Promise<void> {
  await git("push", "--quiet", remote, `${commit}:refs/heads/${branch}`);
  await tell(kubectl, commit);
}

/** Waits until payment's Rollout says this image. @returns seconds since the beginning */
async function untilSynced(digest: string, begin: number): Promise<number> {
  const path = "jsonpath={.spec.template.spec.containers[0].image}";
  for (let waited = 0; waited < 90; waited = (performance.now() - begin) / 1000) {
    const get = ["get", "rollouts.argoproj.io", "payment", "-n", "app-payment", "-o", path];
    if ((await kubectl.run(get)).endsWith(digest)) return (performance.now() - begin) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${digest} is not synced after 90 s`);
}

/** What main is at, and its newest image, after the first test. */
let main = head;
let newest: Omit<Image, "name">;

test.before(async () => {
  await run("git", ["clone", "--quiet", "--no-hardlinks", ".", clone]);
  await git("checkout", "--quiet", "--detach", head);
  // kubectl exec is how the clone reaches main; Git asks before it runs other programs.
  await git("config", "protocol.ext.allow", "always");
  await git("config", "user.name", "e2e");
  await git("config", "user.email", "e2e@localhost");
});

test.after.always(async () => {
  rmSync(clone, { recursive: true, force: true });
  await restore();
});

test.serial(
  "a merged change of payment's source is live by itself, and no charge fails",
  async (t) => {
    const steps: { step: string; seconds: number }[] = [];
    const timed = async <T>(step: string, body: () => Promise<T>): Promise<T> => {
      const begin = performance.now();
      const result = await body();
      steps.push({ step, seconds: (performance.now() - begin) / 1000 });
      return result;
    };
    const stop = startTraffic({ clients: 8, keepAlive: true });

    appendFileSync(join(clone, "payment-service/src/main.ts"), `// ${new Date().toISOString()}\n`);
    await git("commit", "--quiet", "--all", "--message", "payment: a change of its source");
    const source = await git("rev-parse", "HEAD");
    await timed("merge", () => merge(source));

    const image = await sourceOf("payment", source, localRegistry, clone);
    const digest = await timed("image, built and pushed", () => built(image, clone));
    const bumped = await timed("bump commit", () =>
      bump(clone, { service: "payment", commit: source, digest }, { remote, branch }),
    );
    if (!("commit" in bumped)) return t.fail(bumped.skipped);
    await timed("webhook, sync and rollout", async () => {
      await tell(kubectl, bumped.commit);
      await untilSynced(digest, performance.now());
      await rolledOut();
    });
    main = bumped.commit;
    newest = { newTag: image.tag, digest };

    t.is(await sourceCommit("payment", bumped.commit, clone), source, "a bump triggers no build");
    // The Service forgets an old pod a moment after the new ones are ready.
    await retry(10, async () => {
      const { commit } = await fromAntaeus<{ commit: string }>(
        `return (await fetch(new URL("/health", process.env.PAYMENT_PROVIDER_ENDPOINT))).json();`,
      );
      if (commit !== source) throw new Error(`what answers says that it is built from ${commit}`);
    });

    const { answered, failed } = await stop();
    for (const { step, seconds } of steps) t.log(`${seconds.toFixed(1).padStart(5)} s  ${step}`);
    t.log(`${answered} charges answered, ${failed.length} failed`);
    record("drill-merge-to-live", {
      title: "A merged change goes live",
      steps,
      answered,
      failed,
    });
    t.deepEqual(failed, []);
    t.true(answered > 500);
  },
);

/** Waits until payment's newest pods have the Service, and then until their release has passed. @returns when, each */
async function untilServing(): Promise<{ serving: number; passed: number }> {
  const released = (isThere: (one: Rollout) => boolean) =>
    retry(120, async () => {
      const now = await rollout();
      const { generation } = now.metadata;
      if (now.status?.observedGeneration !== `${generation}` || !isThere(now))
        throw new Error(`${now.status?.phase}: ${now.status?.message}`);
      return performance.now();
    });
  const serving = await released(
    ({ status }) => status?.blueGreen?.activeSelector === status?.currentPodHash,
  );
  return { serving, passed: await released(({ status }) => status?.phase === "Healthy") };
}

test.serial("three bumps under load: seconds from commit to new pods serving", async (t) => {
  // Two images that are on the node: this one, and that of the test above.
  const images = [imageIn(await textAt(head, overlay, clone)), newest].flatMap(
    ({ newTag, digest }) => (digest ? [{ newTag, digest }] : []),
  );
  t.is(images.length, 2);
  const stop = startTraffic({ clients: 8, keepAlive: true });
  const bumps: { synced: number; serving: number; passed: number }[] = [];
  let tip = main;
  for (let number = 0; number < 3; number++) {
    const image = images[number % 2] as { newTag: string; digest: string };
    const text = await textAt(tip, overlay, clone);
    tip = await commitFile(tip, overlay, withImage(text, image), `bump ${number}`, {
      folder: clone,
    });
    const begin = performance.now();
    await merge(tip);
    const synced = await untilSynced(image.digest, begin);
    const { serving, passed } = await untilServing();
    bumps.push({
      ...{ synced, serving: (serving - begin) / 1000, passed: (passed - begin) / 1000 },
    });
    await rolledOut();
  }
  const { answered, failed } = await stop();
  const seconds = (of: (bump: (typeof bumps)[number]) => number) => {
    const all = bumps.map(of);
    return { median: median(all) ?? Number.NaN, worst: Math.max(...all) };
  };
  const parts = {
    "push, webhook and sync": seconds(({ synced }) => synced),
    "new pods ready, probed and serving": seconds(({ synced, serving }) => serving - synced),
    "customers' charges watched": seconds(({ serving, passed }) => passed - serving),
    "commit to new pods serving": seconds(({ serving }) => serving),
    "commit to a release that has passed": seconds(({ passed }) => passed),
  };
  for (const [part, { median, worst }] of Object.entries(parts)) {
    t.log(`${median.toFixed(1).padStart(5)} s median, ${worst.toFixed(1)} s worst: ${part}`);
  }
  t.log(`${answered} charges answered, ${failed.length} failed`);
  const steps = Object.entries(parts)
    .slice(0, 3)
    .map(([step, { median }]) => ({ step: `${step} (median of three)`, seconds: median }));
  record("drill-bumps", { title: "Three bumps", steps, answered, failed, bumps });
  t.deepEqual(failed, []);
});
