import Boom from "@hapi/boom";
import type { Lifecycle } from "@hapi/hapi";

/**
 * Answers errors as problem details (RFC 9457): `{title, status, detail}`. Never with a field
 * `result`, which clients take for an answer whatever the status is.
 */
export const problemDetails: Lifecycle.Method = ({ response }, h) => {
  if ("output" in response) {
    const { output } = response;
    const { statusCode: status, error: title, message: detail } = output.payload;
    output.headers["content-type"] = "application/problem+json";
    Object.assign(output, { payload: { title, status, detail } });
  }
  return h.continue;
};

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

/** What went wrong, for the log: fetch says "fetch failed" and hides why in the cause. */
export function messageWithCause({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
