import type { Server } from "@hapi/hapi";
import { readiness } from "service-kit/lifecycle";
import { gauge, metrics } from "service-kit/metrics";
import { createServer, listen, prepare } from "service-kit/server";
import manifest from "../package.json" with { type: "json" };
import { deferredListener } from "../snapshot/listener.ts";
import { type RefusalCounter, refusalCounter, tokenVerifier, type Verify } from "./auth.ts";
import { buckets, type CountCharge, charge, chargeCounter, terms } from "./charge.ts";
import { type Config, readConfig } from "./config.ts";
import { faults } from "./faults.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import openapi from "./openapi.json" with { type: "json" };

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    config: Config;
    /** Verifies that the caller may charge; undefined lets anybody. */
    verify: Verify | undefined;
    refusals: RefusalCounter;
    keys: IdempotencyKeys;
    countCharge: CountCharge;
  }
}

/**
 * Starts the service.
 * @param options.server from `createApp`, if it was built ahead
 * @param options.start listen as well; without it the server is initialized for `server.inject`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function startServer({
  server = createApp(),
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  prepare(server, { config, manifest, write, buckets });
  const { registry } = server.app;
  gauge(registry, "payment_acceptance_share", "Share of charges to accept.", () => {
    return config.ACCEPTANCE_SHARE;
  });
  Object.assign(server.app, {
    config,
    verify: config.CALLER ? undefined : tokenVerifier(config),
    refusals: refusalCounter(registry),
    keys: new IdempotencyKeys(),
    countCharge: chargeCounter(registry, config),
  } satisfies Partial<typeof server.app>);
  if (start) await listen(server, config, { caller: config.CALLER ?? config.CALLER_SUBJECT });
  else await server.initialize();
  return server;
}

/**
 * Builds the server with all of its routes, before anything of where it will run is known: neither
 * the environment nor a clock nor a random number is read. `startServer` tells it the rest.
 */
export function createApp(): Server {
  const routes = {
    payload: {
      allow: "application/json",
      // hapi takes a body without a type for JSON; the contract answers 415.
      defaultContentType: "application/octet-stream",
      maxBytes: 1024,
    },
    validate: { options: { abortEarly: false, convert: false } },
  };
  const server = createServer({ listener: deferredListener(), autoListen: false, routes }, [
    "/health",
    "/ready",
    metrics.path,
  ]);
  server.route([
    {
      method: "GET",
      path: "/health",
      // 200 while this process serves, also while it drains. Says what runs.
      handler: ({ server: { app } }) => ({
        status: "ok",
        ...app.build,
        faults: faults(app.config),
      }),
    },
    readiness("/ready", () => ({ status: "ready" })),
    metrics,
    { method: "GET", path: "/openapi.json", handler: () => openapi },
    charge,
    terms,
  ]);
  return server;
}
