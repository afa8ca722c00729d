import Boom from "@hapi/boom";
import Hapi, { type Request, type Server } from "@hapi/hapi";
import { Circuit } from "./circuit.ts";
import { type Config, readConfig } from "./config.ts";
import { customers } from "./customers.ts";
import { Database } from "./database.ts";
import { health } from "./health.ts";
import { invoices } from "./invoices.ts";
import { PayRuns } from "./pay-run.ts";
import { paymentAt } from "./payment.ts";
import { retrying } from "./retry.ts";

/**
 * Builds the service on its database.
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function deployment({
  start = false,
  env = process.env,
  log = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  const database = new Database(config.DATABASE);
  database.seed(config.CUSTOMERS, config.INVOICES_PER_CUSTOMER);
  const stopping = new AbortController();
  const charge = retrying(
    paymentAt(config.PAYMENT_PROVIDER_ENDPOINT, config.CHARGE_TIMEOUT, config.PAYMENT_TOKEN_FILE),
    config.CHARGE_ATTEMPTS,
    config.RETRY_DELAY,
    stopping.signal,
  );
  const circuit = new Circuit(config.CIRCUIT_THRESHOLD);
  const payRuns = new PayRuns(
    database,
    charge,
    circuit,
    config.CHARGE_CONCURRENCY,
    stopping.signal,
  );

  const server = createServer(config);
  server.route([health, ...customers(database), ...invoices(database, payRuns)]);
  server.ext("onPreStop", () => stopping.abort());
  server.ext("onPostStop", () => database.close());
  server.events.on("response", (request) => {
    if (request.route.path !== health.path) log(JSON.stringify(describe(request)));
  });

  await server.initialize();
  if (start) {
    await server.start();
    log(
      JSON.stringify({
        time: new Date().toISOString(),
        message: "listening",
        url: server.info.uri,
      }),
    );
  }
  return server;
}

function createServer({ HOST, PORT }: Config): Server {
  return Hapi.server({
    host: HOST,
    port: PORT,
    routes: {
      validate: {
        // hapi's own answer hides what was wrong.
        failAction(_request, _h, error) {
          throw Boom.badRequest(error?.message);
        },
      },
    },
  });
}

/** One log line for a request: no personal data. */
function describe({ info, method, path, response, app }: Request) {
  return {
    time: new Date(info.completed).toISOString(),
    message: "request",
    id: info.id,
    method,
    path,
    status: "statusCode" in response ? response.statusCode : response.output.statusCode,
    milliseconds: info.completed - info.received,
    ...app,
  };
}
