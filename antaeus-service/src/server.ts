import Boom from "@hapi/boom";
import Hapi, { type Request, type Server, type ServerApplicationState } from "@hapi/hapi";
import { Circuit } from "./circuit.ts";
import { type Config, readConfig } from "./config.ts";
import { customers } from "./customers.ts";
import { Database } from "./database.ts";
import { closeConnections } from "./drain.ts";
import { health, ready } from "./health.ts";
import { invoices } from "./invoices.ts";
import { jsonLog, type Log } from "./log.ts";
import { PayRuns } from "./pay-run.ts";
import { paymentAt } from "./payment.ts";
import { retrying } from "./retry.ts";

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    config: Config;
    database: Database;
    payRuns: PayRuns;
    log: Log;
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
  const log = jsonLog(write);

  const server = createServer(config);
  Object.assign(server.app, {
    config,
    database,
    payRuns: payRunsOn(database, config, stopping.signal),
    log,
    draining: false,
  } satisfies ServerApplicationState);
  server.ext("onPreStop", () => stopping.abort());
  server.ext("onPostStop", () => database.close());

  await server.initialize();
  if (start) {
    await server.start();
    log("listening", { url: server.info.uri });
  }
  return server;
}

function payRunsOn(database: Database, config: Config, stopping: AbortSignal): PayRuns {
  const charge = retrying(
    paymentAt(config.PAYMENT_PROVIDER_ENDPOINT, config.CHARGE_TIMEOUT, config.PAYMENT_TOKEN_FILE),
    config.CHARGE_ATTEMPTS,
    config.RETRY_DELAY,
    stopping,
  );
  const circuit = new Circuit(config.CIRCUIT_THRESHOLD);
  return new PayRuns(database, charge, circuit, config.CHARGE_CONCURRENCY, stopping);
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
  server.ext("onPreResponse", closeConnections);
  server.route([health, ready, ...customers, ...invoices]);
  server.events.on("response", (request) => {
    const { path } = request.route;
    if (path !== health.path && path !== ready.path) server.app.log("request", describe(request));
  });
  return server;
}

/** What the log says of a request. */
function describe({ info, method, path, response, app }: Request) {
  return {
    id: info.id,
    method,
    path,
    status: "statusCode" in response ? response.statusCode : response.output.statusCode,
    milliseconds: info.completed - info.received,
    ...app,
  };
}
