import Boom from "@hapi/boom";
import type { ServerRoute } from "@hapi/hapi";
import { build } from "./build.ts";
import { faults } from "./faults.ts";

/** GET /health: 200 while this process serves, also while it drains. Says what runs. */
export const health: ServerRoute = {
  method: "GET",
  path: "/health",
  handler: ({ server }) => ({ status: "ok", ...build(), faults: faults(server.app.config) }),
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
