import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionContext } from "ava";
import { traced } from "service-kit/trace";
import { startServer } from "../src/server.ts";

/** A trace to be part of. */
export const trace = traced(undefined);

/** An environment with ten invoices to pay, and nobody at payment's place. */
export const defaults = {
  HOST: "127.0.0.1",
  PORT: "0",
  DATABASE: ":memory:",
  CUSTOMERS: "2",
  INVOICES_PER_CUSTOMER: "6",
  PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1/api/v1/charge",
  CHARGE_TIMEOUT_MS: "10000",
  RETRY_DELAY_MS: "1",
};

/** A service without a socket, and what it logs. */
export async function service(env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const server = await startServer({
    env: { ...defaults, ...env },
    log: (line) => lines.push(line),
  });
  return {
    server,
    pay: () => server.inject({ method: "POST", url: "/rest/v1/invoices/pay" }),
    logged: () => lines.map((line) => JSON.parse(line)),
  };
}

/**
 * A payment service on a real socket that answers charges as the listener does.
 * @param terms answers who asks for the terms; by default it knows none
 * @returns its charge call's URL
 */
export async function paymentThat(
  t: ExecutionContext,
  listener: RequestListener,
  terms: RequestListener = (_request, response) => response.writeHead(404).end("{}"),
): Promise<string> {
  const server = createServer((request, response) =>
    (request.url === "/api/v1/terms" ? terms : listener)(request, response),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/charge`;
}
