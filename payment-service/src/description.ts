import type { ServerRoute } from "@hapi/hapi";
import openapi from "./openapi.json" with { type: "json" };

/** GET /openapi.json: the API, described. */
export const description: ServerRoute = {
  method: "GET",
  path: "/openapi.json",
  handler: () => openapi,
};
