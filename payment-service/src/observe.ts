import type { Request, Server } from "@hapi/hapi";
import type { Log } from "./log.ts";
import { type Trace, traced, traceresponse } from "./trace.ts";

declare module "@hapi/hapi" {
  interface RequestApplicationState {
    trace: Trace;
    /** When it arrived, in milliseconds of `performance.now`. */
    begun: number;
    /** Whether the charge was accepted. */
    result?: boolean;
    /** Set where a charge came without its currency. */
    currency?: "unknown";
    /** Why it failed, for the log alone. */
    reason?: string;
  }
}

/** Has each request traced and counted, and logged unless its path is among those left out. */
export function observe(server: Server, unlogged: readonly string[]): void {
  server.ext("onRequest", (request, h) => {
    request.app.trace = traced(request.headers.traceparent as string | undefined);
    request.app.begun = performance.now();
    return h.continue;
  });
  server.ext("onPreResponse", ({ response, app }, h) => {
    const headers = "output" in response ? response.output.headers : response.headers;
    headers.traceresponse = traceresponse(app.trace);
    return h.continue;
  });
  server.events.on("response", (request) => {
    const { route, method, app, response } = request;
    const milliseconds = performance.now() - app.begun;
    // An error is a response too by now, except where the client left before there was one.
    const status = "statusCode" in response ? response.statusCode : response.output.statusCode;
    const path = route.path === "/{p*}" ? "unknown" : route.path;
    server.app.metrics.request(method.toUpperCase(), path, status, milliseconds / 1000);
    if (!unlogged.includes(path)) logRequest(server.app.log, request, status, milliseconds);
  });
}

/** One line, without personal data. */
function logRequest(
  log: Log,
  { method, path, app }: Request,
  status: number,
  milliseconds: number,
) {
  log("request", {
    level: status >= 500 ? "error" : status >= 400 ? "warn" : "info",
    trace_id: app.trace.traceId,
    span_id: app.trace.spanId,
    method,
    path,
    status,
    milliseconds: Number(milliseconds.toFixed(3)),
    currency: app.currency,
    result: app.result,
    reason: app.reason,
  });
}
