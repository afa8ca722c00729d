import type { Server } from "@hapi/hapi";
import { startServer } from "../src/server.ts";

/** A charge that is right. */
export const valid = { currency: "EUR", value: 374.7234987654321, customer_id: 7 };

/** A service without a socket, and the lines it logs. */
export async function service(env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const server = await startServer({
    env: { CALLER: "anybody", ...env },
    log: (line) => lines.push(line),
  });
  return { server, charge: chargeAt(server), lines };
}

/** Charges at a server. A payload that is no text is sent as JSON. */
function chargeAt(server: Server) {
  return (payload: unknown, headers: Record<string, string> = {}) =>
    server.inject({
      method: "POST",
      url: "/api/v1/charge",
      headers: { "content-type": "application/json", ...headers },
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
    });
}
