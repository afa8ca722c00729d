import { setTimeout } from "node:timers/promises";
import type { Lifecycle, Server } from "@hapi/hapi";

/** Time for the requests under way to finish, in milliseconds. */
const timeout = 10_000;

/**
 * Has SIGTERM drain the server and then stop it, and SIGINT, which comes from a terminal, stop it
 * at once. The process ends by itself when nothing is left to do; a second signal ends it at once.
 */
export function stopOnSignals(server: Server): void {
  // As PID 1 Node ignores these signals unless they are handled.
  process.once("SIGTERM", () => drain(server));
  process.once("SIGINT", () => server.stop({ timeout }));
}

/**
 * Stops a server without losing a request. Whoever sends requests learns late that this server
 * leaves, so it keeps serving for DRAIN_SECONDS, says that it is not ready, and ends each
 * connection with the next answer on it: a connection that is closed otherwise may just then have
 * carried a request.
 */
export async function drain(server: Server): Promise<void> {
  const { config, log } = server.app;
  server.app.draining = true;
  log("draining", { seconds: config.DRAIN_SECONDS });
  await setTimeout(config.DRAIN_SECONDS * 1000);
  await server.stop({ timeout });
  log("stopped");
}

/** Has clients leave a server that drains. hapi itself says so only once it stops, which is late. */
export const closeConnections: Lifecycle.Method = ({ response, server }, h) => {
  if (server.app.draining) {
    if ("output" in response) response.output.headers.connection = "close";
    else response.header("connection", "close");
  }
  return h.continue;
};
