import { once } from "node:events";
import Boom from "@hapi/boom";
import Hapi, { type Server, type ServerOptions } from "@hapi/hapi";
import { type BuildInfo, buildInfo } from "./build-info.ts";
import type { BaseConfig } from "./config.ts";
import { methodNotAllowed, problemDetails } from "./errors.ts";
import { closeConnections } from "./lifecycle.ts";
import { type Registry, RequestMetrics, registryOf } from "./metrics.ts";
import { jsonLog, type Log, observe } from "./telemetry.ts";

declare module "@hapi/hapi" {
  /** What a server is told when it starts, in `server.app`. */
  interface ServerApplicationState {
    build: BuildInfo;
    drainSeconds: number;
    /** Whether this server is about to stop. */
    draining: boolean;
    log: Log;
    /** All metrics of this server. */
    registry: Registry;
    requests: RequestMetrics;
  }
}

/** Builds a server as every service has it. @param unlogged paths that are asked for all the time */
export function createServer(options: ServerOptions, unlogged: readonly string[]): Server {
  const { routes, ...others } = options;
  const server = Hapi.server({
    ...others,
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
  // Before observe: it answers with headers of its own.
  server.ext("onPreResponse", methodNotAllowed);
  observe(server, unlogged);
  server.ext("onPreResponse", problemDetails);
  server.ext("onPreResponse", closeConnections);
  return server;
}

interface Surroundings {
  config: BaseConfig;
  /** The service's package.json. */
  manifest: { name: string; version: string };
  /** Takes each log line, a JSON object. */
  write: (line: string) => void;
  /** Of the histogram of requests: the largest duration in each, in seconds. */
  buckets: number[];
}

/** Tells a server where it runs. The service adds to `server.app` what is its own. */
export function prepare(server: Server, { config, manifest, write, buckets }: Surroundings): void {
  const build = buildInfo(manifest);
  const registry = registryOf(server, manifest.name.replace(/-service$/, ""), build);
  Object.assign(server.app, {
    build,
    drainSeconds: config.DRAIN_SECONDS,
    draining: false,
    log: jsonLog(write),
    registry,
    requests: new RequestMetrics(registry, buckets),
  } satisfies Partial<typeof server.app>);
}

/** Listens, and says where. */
export async function listen(server: Server, { HOST, PORT }: BaseConfig): Promise<void> {
  await server.start();
  // One that was built before its address was known listens only now.
  if (!server.settings.autoListen) {
    server.listener.listen(PORT, HOST);
    await once(server.listener, "listening");
  }
  const url = `http://${HOST}:${server.info.port}`;
  server.app.log("listening", { url, ...server.app.build });
}
