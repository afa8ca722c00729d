import type { ServerRoute } from "@hapi/hapi";
import { json } from "./json.ts";

/** GET /rest/health: 200 "ok" while this process serves. */
export const health: ServerRoute = {
  method: "GET",
  path: "/rest/health",
  handler: (_request, h) => json(h, "ok"),
};
