import type { Duplex } from "node:stream";
import Boom from "@hapi/boom";
import type { Request } from "@hapi/hapi";

/**
 * Converts an error to problem details (RFC 9457): `{title, status, detail}`. Never with a field
 * `result`, which clients take for an answer whatever the status is. Where hapi says 404, but the path
 * serves another method, it is a 405.
 */
export function toProblem({ server, method, path }: Request, error: Boom.Boom): void {
  const methods = ["get", "head", "post"] as const;
  const allowed = methods
    .filter((other) => error.output.statusCode === 404 && server.match(other, path))
    .map((other) => other.toUpperCase());
  if (allowed.length > 0) {
    const message = `${method.toUpperCase()} is none of ${allowed.join(", ")}`;
    error.output = Boom.methodNotAllowed(message, undefined, allowed).output;
  }
  const { output } = error;
  const { statusCode: status, error: title, message: detail } = output.payload;
  output.headers["content-type"] = "application/problem+json";
  Object.assign(output, { payload: { title, status, detail } });
}

const parserErrors = new Map<string | undefined, number>([
  ["HPE_HEADER_OVERFLOW", 431],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
]);

/** Answers what is no HTTP request, or does not come to its end, with problem details as well. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  const statusCode = parserErrors.get(error.code) ?? 400;
  const { error: title } = new Boom.Boom(undefined, { statusCode }).output.payload;
  const body = JSON.stringify({ title, status: statusCode, detail: error.message });
  const head = [
    `HTTP/1.1 ${statusCode} ${title}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  if (socket.writable) socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // The client may ignore that, and keep its side open for ever.
  setTimeout(() => socket.destroy(), 500).unref();
}

/** What went wrong, for the log: fetch says "fetch failed" and hides why in the cause. */
export function messageWithCause({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
