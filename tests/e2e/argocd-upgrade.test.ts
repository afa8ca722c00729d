import test from "ava";
import { run, succeeds } from "../../tools/cli/command.ts";
import { waitFor } from "../../tools/cli/progress.ts";
import { publish } from "../../tools/delivery/git-endpoint.ts";
import { argoCDReady } from "../../tools/kubernetes/argocd.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import { operations } from "../../tools/repository/markdown-commands.ts";
import { valuesFile, withShare } from "../support/share.ts";
import {
  autoSync,
  commit,
  head,
  kubectl,
  type Pod,
  pods,
  restore,
  untilLive,
} from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";

/** Argo CD's image. */
interface Image {
  newName: string;
  newTag: string;
}

/** Commits that Argo CD is to run another image. */
const commitImage = ({ newName, newTag }: Image) =>
  commit(
    "clusters/local/argocd/kustomization.yaml",
    (text) =>
      `${text}images:\n  - name: quay.io/argoproj/argocd\n    newName: ${newName}\n    newTag: ${newTag}\n`,
  );

/** The image of each pod of Argo CD that is not terminating, but for Redis. */
async function running(): Promise<string[]> {
  const { items } = await kubectl.json<{ items: Pod[] }>(["get", "pods", "-n", "argocd"]);
  return items
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .flatMap(({ spec }) => spec.containers.map(({ image }) => image))
    .filter((image) => image.includes("argocd"));
}

/**
 * The release before, or after, the one here: the published image where Docker has it; else this one's under
 * that name, which restarts everything in the same way.
 */
async function releaseApart(): Promise<Image & { isPublished: boolean }> {
  const [here = ""] = await running();
  const [, name, minor, patch] = /^(.+):(v\d+\.\d+)\.(\d+)$/.exec(here) ?? [];
  const newTag = `${minor}.${Number(patch) > 0 ? Number(patch) - 1 : 1}`;
  const newName = `${localRegistry}/e2e/argocd`;
  const [published, target] = [`${name}:${newTag}`, `${newName}:${newTag}`];
  const isPublished =
    (await succeeds("docker", ["image", "inspect", published])) ||
    (process.env.GITHUB_ACTIONS === "true" && (await succeeds("docker", ["pull", published])));
  if (isPublished) await run("docker", ["tag", published, target]);
  else {
    const input = `FROM ${here}\nLABEL release=${newTag}\n`;
    await run("docker", ["build", "--quiet", "--tag", target, "-"], { input });
  }
  await run("docker", ["push", "--quiet", target]);
  return { newName, newTag, isPublished };
}

/** What nothing may make anew, with the identity that it keeps until it is deleted. */
async function identities(): Promise<string[]> {
  const kinds = "applications.argoproj.io,appprojects.argoproj.io,customresourcedefinitions";
  const path = "{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}\n{end}";
  const objects = await kubectl.run(["get", kinds, "-n", "argocd", "-o", `jsonpath=${path}`]);
  const ours = [...(await pods("antaeus")), ...(await pods("payment"))];
  return [...objects.split("\n"), ...ours.map(({ metadata }) => metadata.name)].sort();
}

/** Argo CD's setting that nobody may open a shell, as the cluster has it. */
const shells = () =>
  kubectl.run([
    ...["get", "configmap", "argocd-cm", "-n", "argocd", "-o", "jsonpath={.data.exec\\.enabled}"],
  ]);

const allowShells = () =>
  kubectl.run([
    ...["patch", "configmap", "argocd-cm", "-n", "argocd", "--type=merge"],
    ...["--patch", JSON.stringify({ data: { "exec.enabled": "true" } })],
  ]);

test.after.always(restore);

test.serial("a setting of Argo CD that is changed by hand is put back", async (t) => {
  await allowShells();
  const begin = performance.now();
  t.truthy(await waitFor(60, async () => (await shells()) === "false" || undefined));
  t.log(`after ${((performance.now() - begin) / 1000).toFixed(1)} s`);

  // The control: it is Argo CD's own Application that does it.
  await autoSync("argocd", false);
  t.teardown(() => autoSync("argocd", true));
  await allowShells();
  await new Promise((resolve) => setTimeout(resolve, 8000));
  t.is(await shells(), "true");
});

test.serial(
  "another release of Argo CD comes by a commit: nothing is made anew, traffic flows",
  async (t) => {
    const [here = ""] = await running();
    const other = await releaseApart();
    const before = await identities();
    const steps: { step: string; seconds: number }[] = [];
    const upgrade = async (to: string, merge: () => Promise<string>) => {
      const begin = performance.now();
      const sha = await merge();
      await untilLive(sha);
      await argoCDReady(kubectl, "3m");
      steps.push({ step: `to ${to}`, seconds: (performance.now() - begin) / 1000 });
      const images = await running();
      t.true(images.length >= 4);
      t.true(
        images.every((image) => image.endsWith(`:${to}`)),
        images.join(),
      );
    };

    const stop = startTraffic({ clients: 8, keepAlive: true });
    await upgrade(other.newTag, () => commitImage(other));
    await upgrade(here.split(":")[1] as string, async () => {
      await publish(kubectl, head);
      return head;
    });
    const { answered, failed } = await stop();

    const anew = (await identities()).filter((name) => !before.includes(name));
    record("drill-argocd", { title: "Another release of Argo CD", steps, answered, failed });
    for (const { step, seconds } of steps) t.log(`${step}: ${seconds.toFixed(1)} s`);
    if (!other.isPublished) t.log(`${other.newTag} is not here: its name stands for ${here}`);
    t.log(`${answered} charges answered, ${failed.length} failed`);
    t.deepEqual(anew, []);
    t.deepEqual(failed, []);

    // And the Argo CD that came syncs.
    await t.notThrowsAsync(untilLive(await commit(valuesFile, withShare("0.6"))));
  },
);

test.serial("Argo CD itself is broken", async (t) => {
  await commitImage({ newName: `${localRegistry}/e2e/argocd`, newTag: "v0.0.0" });
  const controller = ["get", "pod", "argocd-application-controller-0", "-n", "argocd"];
  const path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}";
  const isBroken = async () => /Pull/.test(await kubectl.run([...controller, "-o", path]));
  t.truthy(await waitFor(90, async () => (await isBroken().catch(() => false)) || undefined));

  // The revert is there, and nobody reads it.
  await publish(kubectl, head);
  await new Promise((resolve) => setTimeout(resolve, 5000));
  t.true(await isBroken());
  for (const commands of operations("Argo CD itself is broken"))
    await run("bash", ["-ec", commands]);
  await t.notThrowsAsync(untilLive(head));
});
