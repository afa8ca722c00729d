import Boom from "@hapi/boom";
import type { Server } from "@hapi/hapi";
import { readiness } from "service-kit/lifecycle";
import { metrics } from "service-kit/metrics";
import { createServer, listen, prepare } from "service-kit/server";
import manifest from "../package.json" with { type: "json" };
import { addBackupMetric } from "./backup.ts";
import { type Config, readConfig } from "./config.ts";
import { Database } from "./database.ts";
import { addStateMetrics, buckets, payRunCounters, withMetrics } from "./metrics.ts";
import { createPayRuns, left, type PayRuns } from "./pay-run.ts";
import { createPaymentClient, createTermsClient, PaymentUnavailable } from "./payment.ts";
import { createBreaker, createRetries, withRetries } from "./resilience.ts";
import { customers, invoices, json } from "./routes.ts";

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    database: Database;
    payRuns: PayRuns;
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
  const server = createApp(config);
  prepare(server, { config, manifest, write, buckets });
  const { registry, log } = server.app;
  const database = new Database(config.DATABASE);
  database.seed(config.CUSTOMERS, config.INVOICES_PER_CUSTOMER);
  const breaker = createBreaker(config.CIRCUIT_THRESHOLD);
  const client = createPaymentClient(
    config.PAYMENT_PROVIDER_ENDPOINT,
    config.CHARGE_TIMEOUT_MS,
    config.PAYMENT_TOKEN_FILE,
  );
  const terms = createTermsClient(config.PAYMENT_PROVIDER_ENDPOINT, config.CHARGE_TIMEOUT_MS);
  const retries = createRetries(config);
  const stopping = new AbortController();
  const { onOutcome, countRun } = payRunCounters(registry);
  const payRuns = createPayRuns({
    database,
    charge: withRetries(withMetrics(client, registry), breaker, retries, stopping.signal),
    terms: () => retries.execute(terms, stopping.signal),
    breaker,
    concurrency: config.CHARGE_CONCURRENCY,
    stopping: stopping.signal,
    onOutcome,
    onProgress: (soFar, { traceId, spanId }) =>
      log("pay run under way", {
        trace_id: traceId,
        span_id: spanId,
        ...soFar,
        left: left(soFar),
      }),
    onEnd(result, { traceId, spanId }, milliseconds) {
      countRun(result, milliseconds / 1000);
      log("pay run", {
        level: result.no_answer + result.skipped > 0 ? "warn" : "info",
        trace_id: traceId,
        span_id: spanId,
        ...result,
        milliseconds: Number(milliseconds.toFixed(3)),
      });
    },
  });
  addStateMetrics(registry, database, breaker, payRuns);
  if (config.BACKUP_SOCKET) addBackupMetric(registry, config.BACKUP_SOCKET);
  Object.assign(server.app, { database, payRuns } satisfies Partial<typeof server.app>);
  // A run goes on without its client, whom alone hapi would wait for.
  server.ext("onPreStop", async () => {
    stopping.abort(new PaymentUnavailable("the service stops"));
    await payRuns.ended();
  });
  server.ext("onPostStop", () => database.close());
  if (start) await listen(server, config);
  else await server.initialize();
  return server;
}

function createApp({ HOST, PORT }: Config): Server {
  const probes = ["/rest/health", "/rest/ready", metrics.path];
  const server = createServer({ host: HOST, port: PORT }, probes);
  // Browsers tell so of a page of another site, which could start a pay run by whoever opens it.
  server.ext("onRequest", ({ headers }, h) => {
    if (/^(cross|same)-site$/.test(headers["sec-fetch-site"] as string)) {
      throw Boom.forbidden("A page of another site may not call Antaeus");
    }
    return h.continue;
  });
  server.route([
    // 200 "ok" while this process serves, also while it drains.
    { method: "GET", path: "/rest/health", handler: (_request, h) => json(h, "ok") },
    readiness("/rest/ready", (h) => {
      const why = h.request.server.app.database.whyNotKept();
      if (why === undefined) return json(h, "ready");
      throw Boom.serverUnavailable(`What payment answers cannot be kept: ${why}`);
    }),
    metrics,
    ...customers,
    ...invoices,
  ]);
  return server;
}
