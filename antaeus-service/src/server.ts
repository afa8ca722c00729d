import type { Server } from "@hapi/hapi";
import { readiness } from "service-kit/lifecycle";
import { metrics } from "service-kit/metrics";
import { createServer, listen, prepare } from "service-kit/server";
import manifest from "../package.json" with { type: "json" };
import { Circuit } from "./circuit.ts";
import { type Config, readConfig } from "./config.ts";
import { Database } from "./database.ts";
import { json } from "./list-and-item.ts";
import { buckets, PayRunMetrics } from "./metrics.ts";
import { PayRuns } from "./pay-run.ts";
import { paymentAt } from "./payment.ts";
import { retrying } from "./retry.ts";
import { customers, invoices } from "./routes.ts";

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    database: Database;
    payRuns: PayRuns;
    payRunMetrics: PayRunMetrics;
  }
}

/**
 * Builds the service on its database.
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function startServer({
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  const database = new Database(config.DATABASE);
  database.seed(config.CUSTOMERS, config.INVOICES_PER_CUSTOMER);
  const stopping = new AbortController();
  const payRunMetrics = new PayRunMetrics();
  const charge = retrying(
    payRunMetrics.timed(
      paymentAt(
        config.PAYMENT_PROVIDER_ENDPOINT,
        config.CHARGE_TIMEOUT_MS,
        config.PAYMENT_TOKEN_FILE,
      ),
    ),
    config.CHARGE_ATTEMPTS,
    config.RETRY_DELAY_MS,
    stopping.signal,
  );
  const circuit = new Circuit(config.CIRCUIT_THRESHOLD);

  const server = createApp(config);
  prepare(server, { config, manifest, write, buckets });
  payRunMetrics.register(server.app.registry, database, circuit);
  Object.assign(server.app, {
    database,
    payRuns: new PayRuns(database, charge, circuit, config.CHARGE_CONCURRENCY, stopping.signal),
    payRunMetrics,
  } satisfies Partial<typeof server.app>);
  server.ext("onPreStop", () => stopping.abort());
  server.ext("onPostStop", () => database.close());
  if (start) await listen(server, config);
  else await server.initialize();
  return server;
}

function createApp({ HOST, PORT }: Config): Server {
  const probes = ["/rest/health", "/rest/ready", metrics.path];
  const server = createServer({ host: HOST, port: PORT }, probes);
  server.route([
    // 200 "ok" while this process serves, also while it drains.
    { method: "GET", path: "/rest/health", handler: (_request, h) => json(h, "ok") },
    readiness("/rest/ready", (h) => json(h, "ready")),
    metrics,
    ...customers,
    ...invoices,
  ]);
  return server;
}
