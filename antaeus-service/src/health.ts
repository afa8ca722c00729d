import Boom from "@hapi/boom";
import type { ServerRoute } from "@hapi/hapi";
import { json } from "./json.ts";

/** GET /rest/health: 200 "ok" while this process serves, also while it drains. */
export const health: ServerRoute = {
  method: "GET",
  path: "/rest/health",
  handler: (_request, h) => json(h, "ok"),
};

/** GET /rest/ready: 200 "ready" while this process wants requests, 503 once it drains. */
export const ready: ServerRoute = {
  method: "GET",
  path: "/rest/ready",
  handler({ server }, h) {
    if (server.app.draining) throw Boom.serverUnavailable("Draining: send requests elsewhere");
    return json(h, "ready");
  },
};
