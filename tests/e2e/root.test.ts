import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { commit, commitFiles, head, kubectl, restore, untilLive } from "./support/cluster.ts";

const retryLimit = (application: string) =>
  kubectl.run([
    ...["get", "applications.argoproj.io", application, "-n", "argocd"],
    ...["-o", "jsonpath={.spec.syncPolicy.retry.limit}"],
  ]);

test.afterEach.always(restore);

test.serial("a change of how Applications sync reaches the root as well", async (t) => {
  t.is(await retryLimit("root"), "5");
  const changed = await commit("clusters/base/sync/application.yaml", (text) =>
    text.replace("limit: 5", "limit: 6"),
  );
  await untilLive(changed);
  for (const name of ["root", "argocd", "payment"]) t.is(await retryLimit(name), "6", name);
});

test.serial("a root that is not in Git any more stays, and comes back to it", async (t) => {
  const without = (text: string) => text.replace("  - root.yaml\n", "");
  const changed = await commitFiles({ "clusters/testing/apps/kustomization.yaml": without });
  const what =
    "jsonpath={.status.operationState.phase} {.status.operationState.syncResult.revision}";
  const get = ["get", "applications.argoproj.io", "root", "-n", "argocd", "-o", what];
  await retry(60, async () => {
    const said = await kubectl.run(get);
    if (said !== `Succeeded ${changed}`) throw new Error(said);
  });
  t.is(await retryLimit("root"), "5");
  await restore();
  await t.notThrowsAsync(untilLive(head));
});
