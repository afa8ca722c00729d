import Boom from "@hapi/boom";
import type { Lifecycle } from "@hapi/hapi";

/** Answers 405 where hapi says 404, but the path serves another method. */
export const methodNotAllowed: Lifecycle.Method = ({ response, server, method, path }, h) => {
  if (!("output" in response) || response.output.statusCode !== 404) return h.continue;
  const allowed = (["get", "head", "post"] as const).filter((other) => server.match(other, path));
  if (allowed.length === 0) return h.continue;
  const list = allowed.join(", ").toUpperCase();
  // Not thrown: what comes after would be left out.
  const message = `${method.toUpperCase()} is none of ${list}`;
  response.output = Boom.methodNotAllowed(message, undefined, list).output;
  return h.continue;
};
