import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Kubectl } from "../../tools/kubernetes/cluster.ts";

/** What became of the charges: how many were answered, how many of those accepted, and what came of each of the others. */
export interface Outcome {
  answered: number;
  accepted: number;
  failed: string[];
}

export interface Traffic {
  /** How many charge at the same time. */
  clients: number;
  /** Between a client's charges, in milliseconds. The default leaves the machine some CPU for what is tested. */
  pause?: number;
  /** For whom they charge. */
  customer?: number;
  /** Each keeps its connection; otherwise each charge is a new one, which the Service may lead elsewhere. */
  keepAlive?: boolean;
}

/**
 * Charges payment from a pod with Antaeus' environment until told to stop. A charge without an answer of 200 has failed.
 * @param pod as kubectl exec takes it, in app-antaeus
 * @returns a function that ends it and says what became of it
 */
export function startTrafficFrom(
  kubectl: Kubectl,
  pod: string,
  { clients, pause = 40, customer = 1, keepAlive = false }: Traffic,
): () => Promise<Outcome> {
  const script = `
    const { request, Agent } = require("node:http");
    const body = JSON.stringify({ currency: "EUR", value: 1.5, customer_id: ${customer} });
    const token = () => require("node:fs").readFileSync(process.env.PAYMENT_TOKEN_FILE);
    const outcome = { answered: 0, accepted: 0, failed: [] };
    let on = true;
    process.stdin.resume().on("end", () => { on = false; });
    const charge = (agent) => new Promise((resolve) => {
      const headers = {
        "content-type": "application/json",
        "content-length": body.length,
        authorization: "Bearer " + token(),
      };
      const call = request(process.env.PAYMENT_PROVIDER_ENDPOINT, { method: "POST", headers, agent, timeout: 5000 });
      call.on("response", async (response) => {
        const text = await require("node:stream/consumers").text(response).catch(({ message }) => message);
        if (text === '{"result":true}') outcome.accepted++;
        resolve(response.statusCode);
      });
      call.on("timeout", () => call.destroy(new Error("timeout")));
      call.on("error", (error) => resolve(error.message));
      call.end(body);
    });
    const client = async () => {
      const agent = new Agent({ keepAlive: ${keepAlive}, maxSockets: 1 });
      while (on) {
        const status = await charge(agent);
        if (status === 200) outcome.answered++;
        else outcome.failed.push(new Date().toISOString().slice(11, 23) + " " + status);
        if (${pause}) await new Promise((resolve) => setTimeout(resolve, ${pause}));
      }
      agent.destroy();
    };
    Promise.all(Array.from({ length: ${clients} }, client)).then(() => console.log(JSON.stringify(outcome)));`;
  const exec = ["exec", "-i", pod, "-n", "app-antaeus", "--", "/node", "-e", script];
  const child = spawn("kubectl", ["--context", kubectl.context, ...exec]);
  const printed = text(child.stdout);
  const complaints = text(child.stderr);
  return async () => {
    child.stdin.end();
    const outcome = await printed;
    if (!outcome) throw new Error(`the traffic ended too early: ${await complaints}`);
    return JSON.parse(outcome);
  };
}

/**
 * Starts a pod that may charge as Antaeus does, and outlives what happens to Antaeus. It serves nothing, so Antaeus'
 * Service leads nowhere else.
 * @param placed what its spec has besides, such as a node
 */
export async function startCaller(kubectl: Kubectl, name: string, placed = {}): Promise<void> {
  const deployment = await kubectl.json<{
    spec: { template: { spec: Record<string, unknown> } };
  }>(["get", "deployment", "antaeus", "-n", "app-antaeus"]);
  // Without Litestream, whose volumes it has not; and beside Antaeus, which writes.
  const { initContainers, affinity, ...spec } = deployment.spec.template.spec;
  const [container] = spec.containers as Record<string, unknown>[];
  const { ports, startupProbe, readinessProbe, livenessProbe, ...plain } = container ?? {};
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "app-antaeus", labels: { "app.kubernetes.io/name": "antaeus" } },
    spec: {
      ...spec,
      ...placed,
      // It has nothing to finish.
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          ...plain,
          command: ["/node", "-e", "setInterval(() => {}, 60000)"],
          volumeMounts: [{ name: "payment-token", mountPath: "/var/run/payment" }],
        },
      ],
      volumes: (spec.volumes as { name: string }[]).filter(({ name }) => name === "payment-token"),
    },
  };
  await kubectl.run(["apply", "-f", "-"], JSON.stringify(pod));
  const ready = ["--for=condition=Ready", "--timeout=1m"];
  await kubectl.run(["wait", `pod/${name}`, "-n", "app-antaeus", ...ready]);
}
