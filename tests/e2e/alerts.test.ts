// Each alert by the fault that it is about: it fires, no other does, and it is over when the fault is. The rules are those of
// the repository, with shorter times.
import { readdirSync } from "node:fs";
import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { payRun } from "../../tools/pay-run/pay-run.ts";
import { valuesFile } from "../support/share.ts";
import {
  antaeus,
  autoSync,
  type Changes,
  commitFiles,
  fromAntaeus,
  kubectl,
  pods,
  putRight,
  rolledOut,
  untilLive,
} from "./support/cluster.ts";
import { firing, untilReload } from "./support/prometheus.ts";
import { startTraffic } from "./support/traffic.ts";
import { configured, source, unwatched } from "./support/versions.ts";

const folder = "clusters/base/monitoring";

/** What takes minutes in seconds; an hour and more stay. */
const hurry = (text: string) =>
  text
    .replaceAll(/^( +for): (?:1m|5m)$/gm, "$1: 5s")
    .replaceAll(/^( +for): 10m$/gm, "$1: 20s")
    .replaceAll(/^( +interval): [15]m$/gm, "$1: 5s")
    .replaceAll(/\[(?:5m|10m)\]/g, "[30s]")
    .replaceAll("[15m]", "[1m]");

const hurried: Changes = Object.fromEntries(
  readdirSync(`${folder}/rules`).map((file) => [`${folder}/rules/${file}`, hurry]),
);
/** Charges fail in both windows, of which the longer one has an hour. */
const charges = `${folder}/rules/charges.yaml`;
hurried[charges] = (text) => hurry(text).replaceAll("[1h]", "[1m]");

const live = async (more: Changes = {}) => untilLive(await commitFiles({ ...hurried, ...more }));

test.before(async () => {
  await live();
  await untilReload(1);
  await retry(120, async () => {
    const found = await firing();
    if (found.length > 0) throw new Error(`${found}`);
  });
});

test.after.always(putRight);

interface Fault {
  on: () => Promise<unknown>;
  off: () => Promise<unknown>;
}

const faults: Record<string, Fault> = {
  "CallersRefused payment": {
    on: () =>
      fromAntaeus(`
        const headers = { authorization: "Bearer wrong", "content-type": "application/json" };
        const body = JSON.stringify({ currency: "EUR", value: 1, customer_id: 1 });
        for (let call = 0; call < 20; call++)
          await fetch(process.env.PAYMENT_PROVIDER_ENDPOINT, { method: "POST", headers, body });
        return {};`),
    off: async () => {},
  },
  "TargetDown payment": {
    on: async () => {
      const [payment] = await pods("payment");
      const container = {
        ...{ name: "silent", image: payment?.spec.containers[0]?.image },
        command: ["/node", "-e", "setInterval(() => {}, 1e6)"],
        ports: [{ name: "http", containerPort: 9000 }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      };
      const securityContext = {
        ...{ runAsNonRoot: true, runAsUser: 1000 },
        seccompProfile: { type: "RuntimeDefault" },
      };
      const pod = {
        ...{ apiVersion: "v1", kind: "Pod" },
        metadata: { name: "e2e-silent", namespace: "app-payment" },
        spec: { terminationGracePeriodSeconds: 0, securityContext, containers: [container] },
      };
      await kubectl.run(["apply", "-f", "-"], JSON.stringify(pod));
    },
    off: () => kubectl.run(["delete", "pod", "e2e-silent", "-n", "app-payment"]),
  },
  "CircuitOpen antaeus": {
    on: async () => {
      await autoSync("root", false);
      const policy = ["delete", "networkpolicy", "payment-from-antaeus", "-n", "app-payment"];
      await kubectl.run(policy);
      await payRun(antaeus).catch(() => {});
    },
    off: async () => {
      await autoSync("root", true);
      await retry(60, () =>
        kubectl.run(["get", "networkpolicy", "payment-from-antaeus", "-n", "app-payment"]),
      );
      // The circuit lets a call through after a while.
      await retry(60, async () => {
        await payRun(antaeus);
        if ((await firing()).includes("CircuitOpen antaeus")) throw new Error("it fires");
      });
    },
  },
  "PayRunOverdue antaeus": {
    on: () =>
      live({
        [`${folder}/rules/pay-runs.yaml`]: (text) =>
          hurry(text).replace("32 * 86400", "1").replace("for: 1h", "for: 5s"),
      }),
    off: () => live(),
  },
  "PrometheusFails prometheus": {
    on: () =>
      live({
        [`${folder}/prometheus.yaml`]: (text) =>
          text.replace("scrape_interval: 5s", "scrape_interval: soon"),
      }),
    off: () => live(),
  },
  "NotLive payment": {
    on: () =>
      commitFiles({
        ...hurried,
        "apps/payment/overlays/testing/kustomization.yaml": (text) =>
          text.replace("../../base", "../../basement"),
      }),
    off: () => live(),
  },
  "ChargesFail payment": {
    on: async () => {
      await live({ [valuesFile]: configured("FAULT_ERROR_SHARE", 0.2), ...unwatched });
      await startTraffic({ clients: 8, keepAlive: true })(20);
    },
    off: () => live(),
  },
  "AcceptanceOutOfBounds payment": {
    on: async () => {
      const accepting = (text: string) => text.replace("key) < share;", "key) < 0.9;");
      await live({ [source]: accepting, ...unwatched });
      await startTraffic({ clients: 8, keepAlive: true })(20);
    },
    off: () => live(),
  },
};

for (const [alert, { on, off }] of Object.entries(faults)) {
  test.serial(`${alert}: it fires, no other does, and it is over with its fault`, async (t) => {
    const ofConfiguration = /^(PayRunOverdue|PrometheusFails)/.test(alert);
    const begin = performance.now();
    await on();
    // What is in a ConfigMap arrives when the kubelet looks.
    if (ofConfiguration) await untilReload(alert.startsWith("PayRun") ? 1 : 0);
    const found = await retry(120, async () => {
      const all = await firing();
      if (all.length === 0) throw new Error("nothing fires");
      return all;
    });
    t.log(`${found} after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
    t.deepEqual(found, [alert]);
    await off();
    if (ofConfiguration) await untilReload(1);
    await retry(150, async () => {
      const all = await firing();
      if (all.length > 0) throw new Error(`${all}`);
    });
    await rolledOut();
  });
}
