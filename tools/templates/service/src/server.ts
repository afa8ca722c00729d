import type { Server } from "@hapi/hapi";
import Joi from "joi";
import { type BaseConfig, baseVariables, readConfig } from "service-kit/config";
import { readiness } from "service-kit/lifecycle";
import { metrics } from "service-kit/metrics";
import { createServer, listen, prepare } from "service-kit/server";
import manifest from "../package.json" with { type: "json" };

/** What the environment may set, each with its default. */
const schema = Joi.object(baseVariables({ PORT: 9000, DRAIN_SECONDS: 7 }));

/** Of the histogram of requests: the largest duration in each, in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * Starts the service.
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables
 * @param options.log takes each log line, a JSON object
 */
export async function startServer({
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig<BaseConfig>(schema, env);
  const probes = ["/health", "/ready", metrics.path];
  const server = createServer({ host: config.HOST, port: config.PORT }, probes);
  prepare(server, { config, manifest, write, buckets });
  server.route([
    {
      method: "GET",
      path: "/health",
      // 200 while this process serves, also while it drains. Says what runs.
      handler: ({ server: { app } }) => ({ status: "ok", ...app.build }),
    },
    readiness("/ready", () => ({ status: "ready" })),
    metrics,
  ]);
  if (start) await listen(server, config);
  else await server.initialize();
  return server;
}
