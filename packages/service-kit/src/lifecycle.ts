import { setTimeout } from "node:timers/promises";
import Boom from "@hapi/boom";
import type { ResponseToolkit, Server, ServerRoute } from "@hapi/hapi";

/** Time for the requests under way to finish, in milliseconds. */
const timeout = 10_000;

/** What a service's main file does: it starts, and ends by signals; or it says why it cannot. */
export async function runUntilSignal(starting: Promise<Server>): Promise<void> {
  try {
    stopOnSignals(await starting);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

/**
 * SIGTERM drains the server and then stops it; SIGINT, which comes from a terminal, stops it at once.
 * The process ends by itself when nothing is left to do; a second signal ends it at once.
 */
function stopOnSignals(server: Server): void {
  let signalled = false;
  const on = (signal: NodeJS.Signals, stop: () => void) =>
    process.on(signal, () => {
      // As PID 1 Node ignores a signal that it has no handler for.
      if (signalled) process.exit(1);
      signalled = true;
      stop();
    });
  on("SIGTERM", () => drain(server));
  on("SIGINT", () => server.stop({ timeout }));
}

/**
 * Stops a server without losing a request. Whoever sends requests learns late that this server
 * leaves, so it keeps serving for DRAIN_SECONDS, says that it is not ready, and ends each
 * connection with the next answer on it: a connection that is closed otherwise may just then have
 * carried a request.
 */
export async function drain(server: Server): Promise<void> {
  const { drainSeconds, log } = server.app;
  server.app.draining = true;
  log("draining", { seconds: drainSeconds });
  await setTimeout(drainSeconds * 1000);
  await server.stop({ timeout });
  log("stopped");
}

/** GET path, for a readiness probe: 200 while this process wants requests, 503 once it drains. */
export const readiness = (path: string, answer: (h: ResponseToolkit) => object): ServerRoute => ({
  method: "GET",
  path,
  handler({ server }, h) {
    if (!server.app.draining) return answer(h);
    throw Boom.serverUnavailable("Draining: send requests elsewhere");
  },
});
