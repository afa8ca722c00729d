import { once } from "node:events";
import type { Server as Listener } from "node:http";
import type { AddressInfo } from "node:net";
import Boom from "@hapi/boom";
import Hapi, { type Server, type ServerApplicationState } from "@hapi/hapi";
import { build } from "./build.ts";
import { callerStrategy, callerVerifier, type Verify } from "./caller.ts";
import { charge } from "./charge.ts";
import { type Config, readConfig } from "./config.ts";
import { description } from "./description.ts";
import { closeConnections } from "./drain.ts";
import { health, ready } from "./health.ts";
import { KeyMemory } from "./idempotency.ts";
import { lateListener } from "./listener.ts";
import { jsonLog, type Log } from "./log.ts";
import { methodNotAllowed } from "./methods.ts";
import { Metrics, metrics } from "./metrics.ts";
import { observe } from "./observe.ts";
import { asProblem } from "./problem.ts";

declare module "@hapi/hapi" {
  /** What a server is told when it starts, in `server.app`. */
  interface ServerApplicationState {
    config: Config;
    /** Verifies that the caller may charge; undefined lets anybody. */
    verify: Verify | undefined;
    keys: KeyMemory;
    log: Log;
    metrics: Metrics;
    /** Whether this server is about to stop. */
    draining: boolean;
  }
}

/**
 * Starts the service.
 * @param options.server from `createServer`, if it was built ahead
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function deployment({
  server = createServer(),
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  const log = jsonLog(write);
  Object.assign(server.app, {
    config,
    verify: config.CALLER_ISSUER === undefined ? undefined : callerVerifier(config),
    keys: new KeyMemory(),
    log,
    metrics: new Metrics(),
    draining: false,
  } satisfies ServerApplicationState);
  await server.initialize();
  if (start) {
    await server.start();
    server.listener.listen(config.PORT, config.HOST);
    await once(server.listener, "listening");
    const { port } = server.listener.address() as AddressInfo;
    log("listening", { url: `http://${config.HOST}:${port}`, ...build() });
  }
  return server;
}

/**
 * Builds the server with all of its routes, before anything of where it will run is known: neither
 * the environment nor a clock nor a random number is read. `deployment` tells it the rest.
 * @param listener is to carry it: emits what an HTTP server does, and listens when it is told to
 */
export function createServer(listener: Listener = lateListener()): Server {
  const server = Hapi.server({
    listener,
    autoListen: false,
    routes: {
      // Nothing here reads cookies, so a malformed one is no error.
      state: { parse: false },
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
  callerStrategy(server);
  observe(server, [health.path, ready.path, metrics.path]);
  server.ext("onPreResponse", methodNotAllowed);
  server.ext("onPreResponse", asProblem);
  server.ext("onPreResponse", closeConnections);
  server.route([health, ready, metrics, description, charge]);
  return server;
}
