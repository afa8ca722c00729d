import Boom from "@hapi/boom";
import Hapi, { type Server, type ServerApplicationState } from "@hapi/hapi";
import { build } from "./build.ts";
import { Circuit } from "./circuit.ts";
import { type Config, readConfig } from "./config.ts";
import { customers } from "./customers.ts";
import { Database } from "./database.ts";
import { closeConnections } from "./drain.ts";
import { health, ready } from "./health.ts";
import { invoices } from "./invoices.ts";
import { jsonLog, type Log } from "./log.ts";
import { Metrics, metrics } from "./metrics.ts";
import { observe } from "./observe.ts";
import { PayRuns } from "./pay-run.ts";
import { paymentAt } from "./payment.ts";
import { retrying } from "./retry.ts";

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    config: Config;
    database: Database;
    circuit: Circuit;
    payRuns: PayRuns;
    log: Log;
    metrics: Metrics;
    /** Whether this server is about to stop. */
    draining: boolean;
  }
}

/**
 * Builds the service on its database.
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function deployment({
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  const database = new Database(config.DATABASE);
  database.seed(config.CUSTOMERS, config.INVOICES_PER_CUSTOMER);
  const stopping = new AbortController();
  const counted = new Metrics();
  const charge = retrying(
    counted.timed(
      paymentAt(config.PAYMENT_PROVIDER_ENDPOINT, config.CHARGE_TIMEOUT, config.PAYMENT_TOKEN_FILE),
    ),
    config.CHARGE_ATTEMPTS,
    config.RETRY_DELAY,
    stopping.signal,
  );
  const circuit = new Circuit(config.CIRCUIT_THRESHOLD);
  const log = jsonLog(write);

  const server = createServer(config);
  Object.assign(server.app, {
    config,
    database,
    circuit,
    payRuns: new PayRuns(database, charge, circuit, config.CHARGE_CONCURRENCY, stopping.signal),
    log,
    metrics: counted,
    draining: false,
  } satisfies ServerApplicationState);
  server.ext("onPreStop", () => stopping.abort());
  server.ext("onPostStop", () => database.close());

  await server.initialize();
  if (start) {
    await server.start();
    log("listening", { url: server.info.uri, ...build() });
  }
  return server;
}

function createServer({ HOST, PORT }: Config): Server {
  const server = Hapi.server({
    host: HOST,
    port: PORT,
    routes: {
      // Nothing here reads cookies, so a malformed one is no error.
      state: { parse: false },
      validate: {
        // hapi's own answer hides what was wrong.
        failAction(_request, _h, error) {
          throw Boom.badRequest(error?.message);
        },
      },
    },
  });
  observe(server, [health.path, ready.path, metrics.path]);
  server.ext("onPreResponse", closeConnections);
  server.route([health, ready, metrics, ...customers, ...invoices]);
  return server;
}
