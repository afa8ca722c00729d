import type { Lifecycle } from "@hapi/hapi";

/**
 * Has errors answered as problem details (RFC 9457): `{title, status, detail}`. Never with a field
 * `result`, which clients take for an answer whatever the status is.
 */
export const asProblem: Lifecycle.Method = ({ response }, h) => {
  if ("output" in response) {
    const { output } = response;
    const { statusCode: status, error: title, message: detail } = output.payload;
    output.headers["content-type"] = "application/problem+json";
    Object.assign(output, { payload: { title, status, detail } });
  }
  return h.continue;
};
