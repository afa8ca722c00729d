import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import {
  itself,
  network,
  type Place,
  places,
  type Source,
  sources,
  type Target,
  targets,
} from "../access/network.ts";
import { networkTable } from "../access/tables.ts";
import { type Call, matrix } from "../support/results.ts";
import { autoSync, head, kubectl, pods, untilLive } from "./support/cluster.ts";
import { podReady, startPod } from "./support/pod.ts";
import { record } from "./support/report.ts";

const namespaces = ["app-antaeus", "app-payment", "monitoring", "rollouts"];
/** The Applications that their policies are of. */
const owners = ["root", "monitoring", "rollouts"];
const outsideName = "pe-gitops-e2e-outside";

interface Caller {
  namespace: string;
  pod: string;
}

interface Stranger extends Place {
  hostNetwork?: boolean;
}

/** The callers that are none of the services' pods. */
const strangers: Record<string, Stranger> = {
  ...places,
  node: { namespace: "default", labels: {}, hostNetwork: true },
};

async function callers(): Promise<Record<Source, Caller>> {
  const [antaeus] = await pods("antaeus");
  const [payment] = await pods("payment");
  const made: Record<string, Caller> = {};
  for (const [name, stranger] of Object.entries(strangers)) {
    made[name] = { namespace: stranger.namespace, pod: `e2e-${name}` };
    await startPod({ ...stranger, name: `e2e-${name}` });
  }
  for (const { namespace, pod } of Object.values(made)) await podReady(namespace, pod);
  return {
    antaeus: { namespace: "app-antaeus", pod: antaeus?.metadata.name ?? "" },
    payment: { namespace: "app-payment", pod: payment?.metadata.name ?? "" },
    ...made,
  } as Record<Source, Caller>;
}

/** Where each target is. Addresses, so that a call does not need DNS; DNS is a target of its own. */
async function addresses(): Promise<Record<Target, string>> {
  const get = (...args: string[]) => kubectl.run(["get", ...args]);
  const service = (name: string, namespace: string) =>
    get("service", name, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}");
  const antaeus = (await pods("antaeus"))[0]?.status.podIP;
  // Not the pod that calls.
  const payment = (await pods("payment")).at(-1)?.status.podIP;
  return {
    antaeus: `${await service("antaeus", "app-antaeus")}:8000`,
    "antaeus-pod": `${antaeus}:8000`,
    payment: `${await service("payment", "app-payment")}:9000`,
    "payment-pod": `${payment}:9000`,
    "payment-other": `${payment}:9001`,
    prometheus: `${await get("pods", "-n", "monitoring", "-l", "app.kubernetes.io/name=prometheus", "-o", "jsonpath={.items[0].status.podIP}")}:9090`,
    dns: `${await service("kube-dns", "kube-system")}:53`,
    api: `${await service("kubernetes", "default")}:443`,
    outside: await outside(),
  };
}

/** A container beside the cluster's nodes plays the world outside. */
async function outside(): Promise<string> {
  const [payment] = await pods("payment");
  await run("docker", ["rm", "-f", outsideName]);
  const image = payment?.spec.containers[0]?.image.replace(/^[^/]+/, localRegistry) ?? "";
  const options = ["--name", outsideName, "--network", "kind", "--env", "CALLER=anybody"];
  await run("docker", ["run", "--quiet", "-d", ...options, image]);
  const ip = "{{.NetworkSettings.Networks.kind.IPAddress}}";
  return `${await run("docker", ["inspect", "-f", ip, outsideName])}:9000`;
}

/** Tries to connect to each address. A refusal has arrived there too; silence has not. */
async function reached(from: Caller, to: Record<string, string>): Promise<Record<string, string>> {
  const script = `
    const { connect } = require("node:net");
    const reach = ([name, address]) => new Promise((resolve) => {
      const [host, port] = address.split(":");
      const socket = connect({ host, port: Number(port), timeout: 1500 });
      const end = (how) => { socket.destroy(); resolve([name, how]); };
      socket.on("connect", () => end("connected"));
      socket.on("timeout", () => end("silence"));
      socket.on("error", ({ code }) => end(code));
    });
    Promise.all(Object.entries(${JSON.stringify(to)}).map(reach))
      .then((all) => console.log(JSON.stringify(Object.fromEntries(all))));`;
  const args = ["exec", "-n", from.namespace, from.pod, "--", "/node", "-e", script];
  return JSON.parse(await kubectl.run(args));
}

const isOpen = (answer = "") => answer === "connected" || answer === "ECONNREFUSED";

/** Every source calls every target. */
async function tried(from: Record<Source, Caller>, to: Record<Target, string>) {
  const calls: Call[] = [];
  for (const [source, caller] of Object.entries(from) as [Source, Caller][]) {
    const answers = await reached(caller, to);
    for (const target of Object.keys(targets) as Target[]) {
      if (itself[source]?.includes(target)) continue;
      const answered = answers[target] ?? "";
      const [wanted, found] = [network[source].includes(target), isOpen(answered)];
      const cell = { row: sources[source], column: targets[target] };
      calls.push({ ...cell, wanted, found, called: to[target], answered });
    }
  }
  return calls;
}

test.after.always(async () => {
  for (const owner of owners) await autoSync(owner, true);
  for (const [name, { namespace }] of Object.entries(strangers)) {
    await kubectl.run(["delete", "-n", namespace, "--ignore-not-found", `pod/e2e-${name}`]);
  }
  await run("docker", ["rm", "-f", outsideName]);
  await untilLive(head);
});

test.serial(
  "of all addresses that a laptop's policy lists, payment needs the API server's own",
  async (t) => {
    const slice = ["get", "endpointslices", "kubernetes", "-n", "default"];
    const address = await kubectl.run([...slice, "-o", "jsonpath={.endpoints[0].addresses[0]}"]);
    const policy = ["networkpolicy", "payment-to-api-server", "-n", "app-payment"];
    const listed = JSON.parse(await kubectl.run(["get", ...policy, "-o", "json"])).spec.egress[0]
      .to;
    const [payment] = await pods("payment");
    const from = { namespace: "app-payment", pod: payment?.metadata.name ?? "" };
    const { api } = await addresses();
    const set = (value: unknown) => {
      const operation = { op: "replace", path: "/spec/egress/0/to", value };
      return kubectl.run(["patch", ...policy, "--type=json", "-p", JSON.stringify([operation])]);
    };
    const answersWith = async (cidr: string, open: boolean) => {
      await set([{ ipBlock: { cidr } }]);
      return retry(30, async () => {
        const { api: answered } = await reached(from, { api });
        if (isOpen(answered) !== open) throw new Error(`with ${cidr} alone: ${answered}`);
        return answered;
      });
    };
    await autoSync("root", false);

    t.is(await answersWith("192.0.2.1/32", false), "silence");
    t.is(await answersWith(`${address}/32`, true), "connected");
    // As Git says, so that there is nothing to heal: Argo CD waits longer before each time that it heals.
    await set(listed);
    await autoSync("root", true);
  },
);

test.serial(
  "every cell of the table answers as the table says; without the policies, nothing is closed",
  async (t) => {
    const from = await callers();
    const to = await addresses();

    const calls = await tried(from, to);
    const found = matrix("Who may talk to whom", networkTable, calls);
    record("network", found);
    const wrong = calls.filter(({ wanted, found }) => found !== wanted);
    t.deepEqual(wrong, []);

    // The control: with the policies away, each call that was blocked goes through.
    for (const owner of owners) await autoSync(owner, false);
    for (const namespace of namespaces) {
      await kubectl.run(["delete", "networkpolicies", "--all", "-n", namespace]);
    }
    const control = await retry(30, async () => {
      const open = await tried(from, to);
      const closed = open.find(({ found }) => !found);
      if (closed) throw new Error(`${closed.row} → ${closed.column} is closed without a policy`);
      return open;
    });
    t.is(control.length, calls.length);

    // Restored by Argo CD, they close again.
    const begin = performance.now();
    for (const owner of owners) await autoSync(owner, true);
    await retry(60, async () => {
      for (const { wanted, found, row, column } of await tried(from, to)) {
        if (found !== wanted) throw new Error(`${row} → ${column} is not as it was`);
      }
    });
    const seconds = (performance.now() - begin) / 1000;
    t.log(`${calls.length} cells; blocked again ${seconds.toFixed(1)} s after self-heal was back`);
    const healed = `Without the policies every call got through; ${seconds.toFixed(1)} s after Argo CD was let at them again, all was as it was.`;
    record("network", { ...found, note: `${found.note} ${healed}` });
  },
);
