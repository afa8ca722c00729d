import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { publish } from "../../tools/delivery/git-endpoint.ts";
import { withLocalImages } from "../../tools/local/local-images.ts";
import { startCaller } from "../support/traffic.ts";
import { application, head, kubectl, putRight, untilLive } from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";

/** What was there before this change: main, or else the commit before. UPGRADE_FROM names another one. */
async function base(): Promise<string> {
  const { UPGRADE_FROM } = process.env;
  if (UPGRADE_FROM) return run("git", ["rev-parse", UPGRADE_FROM]);
  const main = await run("git", ["merge-base", "HEAD", "origin/main"]).catch(() => "");
  const here = await run("git", ["rev-parse", "HEAD"]);
  return main && main !== here ? main : run("git", ["rev-parse", "HEAD~1"]);
}

const kinds = [
  "applications.argoproj.io,appprojects.argoproj.io,deployments,rollouts.argoproj.io",
  "services,serviceaccounts,persistentvolumeclaims,networkpolicies,rolebindings,resourcequotas,poddisruptionbudgets",
].join();

/** What there is, each with the identity that it keeps until it is deleted. */
async function everything(): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const namespace of ["argocd", "app-antaeus", "app-payment"]) {
    const { items } = await kubectl.json<{
      items: { kind: string; metadata: { name: string; uid: string } }[];
    }>(["get", kinds, "-n", namespace]);
    for (const { kind, metadata } of items)
      all.set(`${kind} ${metadata.name} in ${namespace}`, metadata.uid);
  }
  return all;
}

/** Deletes the projects that this commit does not know: Argo CD never does, and calls that out of sync. */
async function withoutNewProjects(commit: string): Promise<void> {
  const unknown = await retry(60, async () => {
    const { resources = [], sync } = (await application("root")).status ?? {};
    if (sync?.revision !== commit) throw new Error(`the root is not at ${commit}`);
    return resources.filter((one) => one.kind === "AppProject" && one.requiresPruning);
  });
  for (const { name } of unknown)
    await kubectl.run(["delete", "appprojects.argoproj.io", name, "-n", "argocd"]);
}

// A pod of its own: Antaeus' may be replaced by this change.
const caller = "e2e-caller";

test.afterEach.always(putRight);

test.serial(
  "this change goes on top of what was there: nothing is made anew, traffic flows",
  async (t) => {
    const from = await withLocalImages(await base());
    await publish(kubectl, from);
    await withoutNewProjects(from);
    await untilLive(from);
    const before = await everything();

    await startCaller(kubectl, caller);
    const stop = startTraffic({ clients: 8, keepAlive: true }, caller);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await publish(kubectl, head);
    const seconds = await untilLive(head);
    const after = await everything();
    const { answered, failed } = await stop();

    const gone = [...before.keys()].filter((name) => !after.has(name));
    const anew = [...before].filter(([name, uid]) => after.has(name) && after.get(name) !== uid);
    t.log(`${from.slice(0, 7)} → ${head.slice(0, 7)} in ${seconds.toFixed(1)} s`);
    t.log(`${before.size} objects before, ${after.size} after; gone: ${gone.join(", ") || "none"}`);
    t.log(`${answered} charges answered, ${failed.length} failed`);
    const steps = [{ step: `${from.slice(0, 7)} to ${head.slice(0, 7)}`, seconds }];
    record("drill-upgrade", { title: "This change on top of main", steps, answered, failed });
    // What a change means to remove stands in this list, for as long as it is not on main.
    const meant: string[] = [];
    t.deepEqual(
      gone.filter((name) => !meant.includes(name)),
      [],
    );
    t.deepEqual(anew, []);
    t.deepEqual(failed, []);
  },
);
