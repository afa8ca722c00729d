import test, { type ExecutionContext } from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { publish } from "../../tools/delivery/git-endpoint.ts";
import type { ArgoCD } from "../../tools/kubernetes/argocd.ts";
import { valuesFile, withShare } from "../support/share.ts";
import { as } from "./support/argocd.ts";
import {
  application,
  charges,
  commit,
  head,
  kubectl,
  pods,
  restore,
  rolledOut,
  untilLive,
} from "./support/cluster.ts";
import { record } from "./support/report.ts";
import { startTraffic } from "./support/traffic.ts";

const team = await as("local-payment");

interface Spec {
  project: string;
  source: { path: string; targetRevision: string };
  syncPolicy: { automated?: { enabled?: boolean } };
}

interface Live {
  spec: Spec;
  status: {
    sync: { revision: string };
    history: { id: number; revision: string }[];
    operationState: { phase: string; message?: string; operation: { sync: { revision: string } } };
  };
}

async function get(user: ArgoCD, name = "payment"): Promise<Live> {
  return (await user.call("GET", `applications/${name}`)).body;
}

/** Changes the spec of payment's Application, as its team. @returns the status code of the answer */
async function update(change: (spec: Spec) => void): Promise<number> {
  const { spec } = await get(team);
  change(spec);
  return (await team.call("PUT", "applications/payment/spec?validate=false", spec)).status;
}

const autoSync = (enabled: boolean) => (spec: Spec) => {
  spec.syncPolicy.automated = { ...spec.syncPolicy.automated, enabled };
};

/** The drill: a bad commit, the UI's rollback button as the team's user, then Git put right. */
async function drill(
  t: ExecutionContext,
  name: string,
  share: string,
  isBad: () => Promise<boolean>,
) {
  const steps: { step: string; seconds: number }[] = [];
  const timed = async (step: string, body: () => Promise<unknown>) => {
    const begin = performance.now();
    await body();
    steps.push({ step, seconds: (performance.now() - begin) / 1000 });
  };
  const until = (what: string, condition: () => Promise<boolean>) =>
    retry(90, async () => {
      if (!(await condition())) throw new Error(`still waiting: ${what}`);
    });
  const other = await get(await as("local-antaeus"), "antaeus");
  const good = (await get(team)).status.history.at(-1);

  const stop = startTraffic({ clients: 4 });
  await timed("the bad commit is seen", async () => {
    await commit(valuesFile, withShare(share));
    await until("the new version", isBad);
  });

  await timed("rolled back by the team", async () => {
    const body = { name: "payment", id: good?.id };
    // Refused while auto-sync is on, which is why the button switches it off first.
    t.is((await team.call("POST", "applications/payment/rollback", body)).status, 400);
    t.is(await update(autoSync(false)), 200);
    t.is((await team.call("POST", "applications/payment/rollback", body)).status, 200);
    await until("synced to the good revision", async () => {
      const { phase, operation } = (await get(team)).status.operationState;
      return phase === "Succeeded" && operation.sync.revision === good?.revision;
    });
    await rolledOut();
  });
  t.true(
    new Set((await charges(60)).map(({ result }) => result)).size === 2,
    "some are accepted again",
  );

  // Git still has the bad commit; nothing goes back to it, and the root does not switch auto-sync on.
  await new Promise((resolve) => setTimeout(resolve, 5000));
  t.is((await get(team)).spec.syncPolicy.automated?.enabled, false);
  t.false(await isBad());

  await timed("Git put right, auto-sync on again", async () => {
    await publish(kubectl, head);
    // Not before Argo CD has the revert: auto-sync would go to the bad commit at once.
    await until("the revert", async () => (await get(team)).status.sync.revision === head);
    t.is(await update(autoSync(true)), 200);
    await untilLive(head);
  });
  t.false(await isBad());

  const outcome = await stop();
  t.log(`${outcome.answered} charges answered, ${outcome.failed.length} failed`);
  for (const { step, seconds } of steps) t.log(`${seconds.toFixed(1)} s  ${step}`);
  const now = await get(await as("local-antaeus"), "antaeus");
  t.deepEqual(now.spec, other.spec, "the other team's application is as it was");
  record(`drill-${name}`, { title: `Rollback: a version that ${name}`, steps, ...outcome });
  return outcome;
}

test.afterEach.always(async () => {
  await update(autoSync(true));
  await restore();
});

test.serial(
  "a version that crashes is rolled back by its team, and no request fails",
  async (t) => {
    const crashing = async () => {
      const { items } = await kubectl.json<{
        items: { status: { containerStatuses?: { restartCount: number; ready: boolean }[] } }[];
      }>(["get", "pods", "-n", "app-payment"]);
      return items.some(({ status }) =>
        status.containerStatuses?.some(({ restartCount, ready }) => restartCount > 0 && !ready),
      );
    };
    const { answered, failed } = await drill(t, "crashes", "half", crashing);
    t.true(answered > 500, `${answered} charges`);
    t.deepEqual(failed, []);
  },
);

test.serial("a version that refuses every charge is rolled back by its team", async (t) => {
  const refusing = async () => {
    const answers = await charges(40);
    return answers.every(({ result }) => !result);
  };
  const { answered } = await drill(t, "refuses every charge", "0", refusing);
  t.true(answered > 500, `${answered} charges`);
});

for (const [what, source, isBack] of [
  [
    "path",
    { path: "apps/antaeus/overlays/testing" },
    (spec: Spec) => spec.source.path === "apps/payment/overlays/testing",
  ],
  [
    "revision",
    { targetRevision: "somewhere-else" },
    (spec: Spec) => spec.source.targetRevision === "main",
  ],
] as const) {
  test.serial(`an Application's ${what} that an administrator edits is put back`, async (t) => {
    const patch = ["patch", "applications.argoproj.io", "payment", "-n", "argocd", "--type=merge"];
    await kubectl.run([...patch, "--patch", JSON.stringify({ spec: { source } })]);
    const begin = performance.now();
    await retry(60, async () => {
      const { spec } = await get(team);
      if (!isBack(spec)) throw new Error(`the ${what} is still ${JSON.stringify(spec.source)}`);
    });
    t.log(`put back in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    t.true((await charges(5)).every(({ status }) => status === 200));
  });
}

test.serial("an Application that is deleted comes back, and its service runs on", async (t) => {
  const before = (await pods("payment")).map(({ metadata }) => metadata.name).sort();
  await kubectl.run(["delete", "applications.argoproj.io", "payment", "-n", "argocd"]);
  t.true((await charges(5)).every(({ status }) => status === 200));
  await retry(60, () => application("payment"));
  await untilLive(head);
  t.deepEqual((await pods("payment")).map(({ metadata }) => metadata.name).sort(), before);
});

test.serial("what is deleted from a namespace comes back", async (t) => {
  const everything =
    "rollouts.argoproj.io,services,configmaps,networkpolicies,rolebindings,resourcequotas";
  await kubectl.run(["delete", everything, "--all", "-n", "app-payment"]);
  await retry(120, async () => {
    const answers = await charges(5);
    if (!answers.every(({ status }) => status === 200))
      throw new Error("payment does not answer yet");
  });
  await untilLive(head);
  t.true(
    (await kubectl.run(["get", "networkpolicies", "-n", "app-payment", "-o", "name"])).split("\n")
      .length >= 3,
  );
});
