import { fromAntaeus } from "./cluster.ts";

/** What became of the charges: how many were answered, and what came of each of the others. */
export interface Outcome {
  answered: number;
  failed: string[];
}

interface Load {
  seconds: number;
  /** How many charge at the same time. */
  clients: number;
  /** Between a client's charges, in milliseconds. */
  pause?: number;
  /** Each keeps its connection; otherwise each charge is a new one, which the Service may lead elsewhere. */
  keepAlive?: boolean;
}

/** Charges payment from Antaeus' pod for some time. A charge without an answer of 200 has failed. */
export function load({ seconds, clients, keepAlive = false, pause = 10 }: Load): Promise<Outcome> {
  return fromAntaeus(`
    const { request, Agent } = require("node:http");
    const body = JSON.stringify({ currency: "EUR", value: 1.5, customer_id: 1 });
    const token = () => require("node:fs").readFileSync(process.env.PAYMENT_TOKEN_FILE);
    const outcome = { answered: 0, failed: [] };
    const charge = (agent) => new Promise((resolve) => {
      const headers = {
        "content-type": "application/json",
        "content-length": body.length,
        authorization: "Bearer " + token(),
      };
      const call = request(process.env.PAYMENT_PROVIDER_ENDPOINT, { method: "POST", headers, agent, timeout: 5000 });
      call.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
      call.on("timeout", () => call.destroy(new Error("timeout")));
      call.on("error", (error) => resolve(error.message));
      call.end(body);
    });
    const end = Date.now() + ${seconds * 1000};
    const client = async () => {
      const agent = new Agent({ keepAlive: ${keepAlive}, maxSockets: 1 });
      while (Date.now() < end) {
        const status = await charge(agent);
        if (status === 200) outcome.answered++;
        else outcome.failed.push(new Date().toISOString().slice(11, 23) + " " + status);
        if (${pause}) await new Promise((resolve) => setTimeout(resolve, ${pause}));
      }
      agent.destroy();
    };
    await Promise.all(Array.from({ length: ${clients} }, client));
    return outcome;`);
}
