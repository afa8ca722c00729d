/** The files of a new service's source that no other service has in this form. */
export const ownFiles = {
  "src/config.ts": `import Joi from "joi";

/** What the environment may set, each with its default. */
const schema = Joi.object({
  /** Address to listen on. */
  HOST: Joi.string().hostname().default("0.0.0.0"),
  /** TCP port; 0 lets the system choose one. */
  PORT: Joi.number().port().default(9000),
  /** Time to keep serving after SIGTERM, in seconds, while those who call learn that this server leaves. */
  DRAIN_SECONDS: Joi.number().min(0).max(600).default(7),
});

export interface Config {
  HOST: string;
  PORT: number;
  DRAIN_SECONDS: number;
}

/**
 * Reads the configuration from environment variables.
 * @throws Error naming every variable that is wrong and what it should be
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const { value, error } = schema.validate(env, { abortEarly: false, stripUnknown: true });
  if (error) throw new Error(\`The environment is wrong: \${error.message}\`);
  return value;
}
`,
  "src/health.ts": `import Boom from "@hapi/boom";
import type { ServerRoute } from "@hapi/hapi";

/** GET /health: 200 while this process serves, also while it drains. */
export const health: ServerRoute = {
  method: "GET",
  path: "/health",
  handler: () => ({ status: "ok" }),
};

/** GET /ready: 200 while this process wants requests, 503 once it drains. */
export const ready: ServerRoute = {
  method: "GET",
  path: "/ready",
  handler({ server }) {
    if (server.app.draining) throw Boom.serverUnavailable("Draining: send requests elsewhere");
    return { status: "ready" };
  },
};
`,
  "src/server.ts": `import Hapi, { type Server, type ServerApplicationState } from "@hapi/hapi";
import { type Config, readConfig } from "./config.ts";
import { closeConnections } from "./drain.ts";
import { health, ready } from "./health.ts";
import { jsonLog, type Log } from "./log.ts";

declare module "@hapi/hapi" {
  interface ServerApplicationState {
    config: Config;
    log: Log;
    /** Whether this server is about to stop. */
    draining: boolean;
  }
}

/**
 * Builds the service.
 * @param options.start listen as well; without it the server is initialized for \`server.inject\`
 * @param options.env environment variables, see config.ts
 * @param options.log takes each log line, a JSON object
 */
export async function deployment({
  start = false,
  env = process.env,
  log: write = console.log as (line: string) => void,
} = {}): Promise<Server> {
  const config = readConfig(env);
  const log = jsonLog(write);
  const server = Hapi.server({ host: config.HOST, port: config.PORT });
  Object.assign(server.app, { config, log, draining: false } satisfies ServerApplicationState);
  server.ext("onPreResponse", closeConnections);
  server.route([health, ready]);

  await server.initialize();
  if (start) {
    await server.start();
    log("listening", { url: server.info.uri });
  }
  return server;
}
`,
  "src/server.test.ts": `import test from "ava";
import { drain } from "./drain.ts";
import { deployment } from "./server.ts";

const env = { DRAIN_SECONDS: "0.1" };
const log = () => {};

test("health", async (t) => {
  const server = await deployment({ env, log });
  t.like(await server.inject("/health"), { statusCode: 200, payload: '{"status":"ok"}' });
});

test("ready, until it drains; then it still is healthy", async (t) => {
  const server = await deployment({ env, log });
  t.is((await server.inject("/ready")).statusCode, 200);
  const drained = drain(server);
  t.is((await server.inject("/ready")).statusCode, 503);
  t.is((await server.inject("/health")).statusCode, 200);
  await drained;
});

test("a wrong environment is refused", async (t) => {
  await t.throwsAsync(deployment({ env: { PORT: "x" }, log }), { message: /"PORT"/ });
});
`,
};
