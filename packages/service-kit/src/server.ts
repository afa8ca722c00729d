import { once } from "node:events";
import Boom from "@hapi/boom";
import Hapi, { type Server, type ServerOptions } from "@hapi/hapi";
import type { BaseConfig } from "./config.ts";
import { answerClientError, toProblem } from "./errors.ts";
import { type CountRequest, createRegistry, type Registry, requestCounter } from "./metrics.ts";
import { jsonLog, type Log, observe } from "./telemetry.ts";
import { traceparent } from "./trace.ts";

declare module "@hapi/hapi" {
  /** What a server is told when it starts, in `server.app`. */
  interface ServerApplicationState {
    /** What runs. */
    build: { version: string; commit: string };
    drainSeconds: number;
    /** Whether this server is about to stop. */
    draining: boolean;
    log: Log;
    /** All metrics of this server. */
    registry: Registry;
    countRequest: CountRequest;
  }
}

/** Builds a server as every service has it. @param unlogged paths that are asked for all the time */
export function createServer(options: ServerOptions, unlogged: readonly string[]): Server {
  const { routes, ...others } = options;
  const server = Hapi.server({
    ...others,
    // Its messages are no JSON; telemetry logs what they are about.
    debug: false,
    routes: {
      // No service reads cookies, so a malformed one is no error.
      state: { parse: false },
      ...routes,
      validate: {
        // hapi's own answer hides what was wrong.
        failAction(_request, _h, error) {
          throw Boom.badRequest(error?.message);
        },
        ...routes?.validate,
      },
    },
  });
  // hapi's own answer has no body, and leaves it to the client to end the connection.
  server.listener.removeAllListeners("clientError").on("clientError", answerClientError);
  observe(server, unlogged);
  // In one: hapi waits for each extension of each request.
  server.ext("onPreResponse", (request, h) => {
    const { response, app } = request;
    if ("output" in response) toProblem(request, response);
    const headers = "output" in response ? response.output.headers : response.headers;
    headers.traceresponse = traceparent(app.trace);
    // hapi itself says so only once it stops, which is late.
    if (server.app.draining) headers.connection = "close";
    return h.continue;
  });
  return server;
}

interface Surroundings {
  config: BaseConfig;
  /** The service's package.json. */
  manifest: { version: string };
  /** Takes each log line, a JSON object. */
  write: (line: string) => void;
  /** Of the histogram of requests: the largest duration in each, in seconds. */
  buckets: number[];
}

/** Tells a server where it runs. The service adds to `server.app` what is its own. */
export function prepare(server: Server, { config, manifest, write, buckets }: Surroundings): void {
  // The bundle has the commit of its build, not of its run.
  const build = { version: manifest.version, commit: process.env.BUILD_COMMIT || "unknown" };
  const registry = createRegistry(server, build);
  Object.assign(server.app, {
    build,
    drainSeconds: config.DRAIN_SECONDS,
    draining: false,
    log: jsonLog(write),
    registry,
    countRequest: requestCounter(server, registry, buckets),
  } satisfies Partial<typeof server.app>);
}

/** Listens, and says where. @param fields what else the log says of it */
export async function listen(server: Server, { HOST, PORT }: BaseConfig, fields?: object) {
  await server.start();
  // One that was built before its address was known listens only now.
  if (!server.settings.autoListen) {
    server.listener.listen(PORT, HOST);
    await once(server.listener, "listening");
  }
  // hapi waits for a body after its own time for it is up.
  server.listener.headersTimeout = 5_000;
  server.listener.requestTimeout = 10_000;
  // A caller that keeps its connection keeps its pod, and would never see one of a new version.
  server.listener.maxRequestsPerSocket = 100;
  const url = `http://${HOST}:${server.info.port}`;
  server.app.log("listening", { url, ...server.app.build, ...fields });
}
