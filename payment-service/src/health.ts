import Boom from "@hapi/boom";
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
