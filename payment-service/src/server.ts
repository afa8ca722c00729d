import Boom from "@hapi/boom";
import Hapi, { type Request, type Server } from "@hapi/hapi";
import { callerStrategy } from "./caller.ts";
import { charge } from "./charge.ts";
import { type Config, readConfig } from "./config.ts";
import { health } from "./health.ts";

/**
 * Builds the service.
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
  const server = createServer(config);
  const auth = config.CALLER_ISSUER !== undefined && callerStrategy(server, config);
  server.route([health, charge(config.ACCEPTANCE_SHARE, auth)]);
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
      payload: {
        allow: "application/json",
        // hapi takes a body without a type for JSON; the contract answers 415.
        defaultContentType: "application/octet-stream",
        maxBytes: 1024,
      },
      validate: {
        options: { abortEarly: false, convert: false },
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
