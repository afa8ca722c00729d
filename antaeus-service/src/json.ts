import type { ResponseObject, ResponseToolkit } from "@hapi/hapi";

/** Answers a JSON string; a bare string hapi would send as HTML. */
export function json(h: ResponseToolkit, value: string): ResponseObject {
  return h.response(JSON.stringify(value)).type("application/json");
}
