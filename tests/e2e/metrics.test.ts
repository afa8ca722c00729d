import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { alerts, queries } from "../support/monitoring.ts";
import {
  account,
  charges,
  commit,
  drained,
  kubectl,
  may,
  pods,
  putRight,
  restore,
  setAntaeus,
  untilLive,
} from "./support/cluster.ts";
import { ask, firing, monitoring, untilReload, value } from "./support/prometheus.ts";

interface Target {
  labels: Record<string, string>;
  health: string;
  lastError: string;
}

const targets = async () =>
  (await ask<{ activeTargets: Target[] }>("targets?state=active")).activeTargets;

/** Ends when what is scraped is what runs: each pod of each service, Argo CD and Prometheus itself. */
const untilScraped = (): Promise<void> =>
  retry(90, async () => {
    const running = await Promise.all(
      ["antaeus", "payment"].map(async (service) =>
        (await pods(service)).map(({ metadata }) => `${service} ${metadata.name}`),
      ),
    );
    const found = (await targets())
      .filter(({ health }) => health === "up")
      .map(({ labels: { job, service, pod } }) => (job === "services" ? `${service} ${pod}` : job));
    const expected = [...running.flat(), "argocd", "prometheus"].sort();
    if (`${found.sort()}` !== `${expected}`) throw new Error(`${found}, not ${expected}`);
  });

test.serial("every pod of every service is scraped, and so is Argo CD", async (t) => {
  await t.notThrowsAsync(untilScraped());
});

test.serial("charges are counted by pod, and a pod that is new is found by itself", async (t) => {
  await drained("payment");
  await untilScraped();
  // Of these pods: what those counted that have just gone leaves the sum when Prometheus sees that they have.
  const names = (await pods("payment")).map(({ metadata }) => metadata.name).join("|");
  const sum = `sum(payment_charges_total{pod=~"${names}"})`;
  const before = await value(sum);
  await charges(20);
  await retry(30, async () => {
    const more = (await value(sum)) - before;
    if (more < 20) throw new Error(`${more} of 20 charges`);
  });

  const [old] = await pods("payment");
  await kubectl.run(["delete", "pod", "-n", "app-payment", old?.metadata.name ?? ""]);
  await t.notThrowsAsync(untilScraped());
});

test.serial("Argo CD says which Applications are Synced", async (t) => {
  await retry(30, async () => {
    const synced = await value('count(argocd_app_info{sync_status="Synced"})');
    if (synced !== 6) throw new Error(`${synced} of 6`);
  });
  t.pass();
});

interface RuleGroups {
  groups: { rules: { name: string; type: string; health: string; lastError?: string }[] }[];
}

test.serial("every rule is evaluated, and nothing fires while all is well", async (t) => {
  const { groups } = await ask<RuleGroups>("rules");
  const all = groups.flatMap(({ rules }) => rules);
  t.deepEqual(
    all
      .filter(({ type }) => type === "alerting")
      .map(({ name }) => name)
      .sort(),
    alerts.map(({ alert }) => alert).sort(),
  );
  t.deepEqual(
    all.filter(({ health }) => health === "err").map(({ name, lastError }) => [name, lastError]),
    [],
  );
  // Those of the tests before are over by then.
  await retry(180, async () => {
    const found = (await firing()).filter((one) => !/^(CallersRefused|Charges)/.test(one));
    if (found.length) throw new Error(`${found}`);
  });
});

test.serial(
  "a service that nobody is ready of is an alert, and no other is; then it is over",
  async (t) => {
    const before = await firing();
    t.teardown(putRight);
    await setAntaeus(false);
    const added = await retry(150, async () => {
      const found = (await firing()).filter((one) => !before.includes(one));
      if (!found.length) throw new Error("nothing fires");
      return found;
    });
    t.deepEqual(added, ["ServiceDown antaeus"]);
    await setAntaeus(true);
    await retry(60, async () => {
      if ((await firing()).includes("ServiceDown antaeus")) throw new Error("it fires");
    });
  },
);

test.serial("every panel of the dashboard shows something", async (t) => {
  for (const query of queries) {
    const { result } = await ask<{ result: unknown[] }>(`query?query=${encodeURIComponent(query)}`);
    t.true(result.length > 0, query);
  }
});

test.serial("Prometheus sees pods of the services, and nothing else", async (t) => {
  const prometheus = account(monitoring, "prometheus");
  // The control comes first: it may what it needs.
  for (const namespace of ["app-antaeus", "app-payment"])
    t.true(await may(prometheus, "list", "pods", namespace), namespace);
  for (const namespace of ["argocd", "kube-system", "default", monitoring])
    t.false(await may(prometheus, "list", "pods", namespace), namespace);
  for (const resource of ["secrets", "configmaps", "services"])
    t.false(await may(prometheus, "get", resource, "app-payment"), resource);
  t.false(await may(prometheus, "delete", "pods", "app-payment"));
  t.false(await may(prometheus, "get", "pods", "app-payment", "log"));
});

test.serial("a configuration that is wrong is refused, and the one before goes on", async (t) => {
  t.teardown(restore);
  const wrong = await commit("clusters/base/monitoring/prometheus.yaml", (text) =>
    text.replace("scrape_interval: 5s", "scrape_interval: soon"),
  );
  await untilLive(wrong);
  await untilReload(0);
  t.is(await value('min(up{job="services"})'), 1);
  await restore();
  await untilReload(1);
});
