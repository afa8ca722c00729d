import test from "ava";
import { retry, waitFor } from "../../tools/cli/progress.ts";
import { reasons } from "../../tools/kubernetes/cluster.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import { onGitHub } from "../support/owner.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { resourceTree } from "./support/argocd.ts";
import {
  application,
  charges,
  commit,
  kubectl,
  pods,
  restore,
  rolledOut,
  untilLive,
} from "./support/cluster.ts";

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const names = async () => (await pods("payment")).map(({ metadata }) => metadata.name).sort();

/**
 * Pushes an image of payment that no node can run: it has no platform. One that does not exist would be looked
 * for where the registry's images come from, and where that is out of reach a node asks for minutes.
 * @returns its digest
 */
async function pushImageForNoPlatform(): Promise<string> {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const url = `http://${localRegistry}/v2/${onGitHub.toLowerCase()}/payment/manifests/e2e-no-platform`;
  const response = await fetch(url, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: [] }),
  });
  return response.headers.get("docker-content-digest") as string;
}

test.afterEach.always(restore);

test.serial("a commit that changes a config value reaches the pods", async (t) => {
  const old = await names();
  const fair = await charges(60);
  t.is(
    new Set(fair.map(({ result }) => result)).size,
    2,
    "before: some are accepted, some refused",
  );

  const changed = await commit(valuesFile, withShare("1"));
  t.log(`live ${(await untilLive(changed)).toFixed(1)} s after Argo CD had the commit`);
  await rolledOut();

  t.false(
    (await names()).some((name) => old.includes(name)),
    "another value, other pods",
  );
  t.true(
    (await charges(60)).every(({ result }) => result),
    "after: all are accepted",
  );
});

test.serial(
  "an image that cannot be pulled leaves the old pods serving, and Argo CD says why",
  async (t) => {
    const old = await names();
    const digest = await pushImageForNoPlatform();
    await commit(overlay, (text) => text.replace(/digest: .*/, `digest: ${digest}`));

    const why = await waitFor(90, async () => {
      const tree = await resourceTree("payment");
      return tree.find(({ kind, health }) => kind === "Pod" && /pull/i.test(health?.message ?? ""));
    });
    t.log(`${why?.name}: ${why?.health?.status}, ${why?.health?.message}`);
    t.is(why?.health?.status, "Degraded");
    t.regex(why?.health?.message ?? "", new RegExp(digest));
    t.not((await application("payment")).status?.health?.status, "Healthy");

    const now = await names();
    t.true(
      old.every((name) => now.includes(name)),
      `${old} before, ${now} now`,
    );
    t.true((await charges(20)).every(({ status }) => status === 200));
  },
);

test.serial(
  "a value that a new version does not start with leaves the old pods theirs, also when one is lost",
  async (t) => {
    const old = await names();
    const broken = await commit(valuesFile, withShare("half"));
    await retry(60, async () => {
      const crashing = (await pods("payment")).find(({ metadata }) => !old.includes(metadata.name));
      if (!crashing?.status.containerStatuses?.[0]?.restartCount) throw new Error("no new pod");
    });
    t.is((await application("payment")).status?.sync?.revision, broken);

    const [lost] = old;
    await kubectl.run(["delete", "pod", lost ?? "", "-n", "app-payment"]);
    const replaced = await retry(60, async () => {
      const ready = (await pods("payment"))
        .filter(({ status }) =>
          status.conditions.some(({ type, status }) => type === "Ready" && status === "True"),
        )
        .map(({ metadata }) => metadata.name);
      if (ready.length < old.length) throw new Error(`ready: ${ready}`);
      return ready;
    });
    t.false(replaced.includes(lost ?? ""));
    t.true((await charges(20)).every(({ status }) => status === 200));

    const begin = performance.now();
    await untilLive(await commit(valuesFile, withShare("0.6")));
    t.log(`put right after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  },
);

test.serial(
  "manifests that do not render leave everything as it is, and the Application says why",
  async (t) => {
    const old = await names();
    const broken = await commit(overlay, (text) => text.replace("../../base", "../../basement"));

    const status = await waitFor(60, async () => {
      const { status } = await application("payment");
      return status?.conditions?.length ? status : undefined;
    });
    const [reason = "", ...rest] = reasons({ metadata: { name: "payment" }, status: status ?? {} });
    t.log(reason, ...rest);
    t.regex(reason, /basement/);

    t.deepEqual(await names(), old);
    t.true((await charges(20)).every(({ status }) => status === 200));
    t.not((await application("payment")).status?.sync?.status, "Synced", broken);
  },
);
