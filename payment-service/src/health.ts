import type { ServerRoute } from "@hapi/hapi";

/** GET /health: 200 while this process serves. */
export const health: ServerRoute = {
  method: "GET",
  path: "/health",
  handler: () => ({ status: "ok" }),
};
