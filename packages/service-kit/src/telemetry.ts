import type { Server } from "@hapi/hapi";
import { type Trace, traced } from "./trace.ts";

declare module "@hapi/hapi" {
  interface RequestApplicationState {
    trace: Trace;
    /** When it arrived, in milliseconds of `performance.now`. */
    begun: number;
    /** What else its line in the log says. No personal data. */
    fields: Record<string, unknown>;
    /** What it is counted as, where that is not its route. */
    countAs?: string;
  }
}

/** Writes one line: what happened, and what belongs to it. No personal data. */
export type Log = (message: string, fields?: object) => void;

/** @param write takes each line: a JSON object with `time`, `level`, `message` and the fields */
export function jsonLog(write: (line: string) => void): Log {
  return (message, fields) =>
    write(JSON.stringify({ time: new Date().toISOString(), level: "info", message, ...fields }));
}

/** Traces and counts each request, and logs it unless its path is among those left out. */
export function observe(server: Server, unlogged: readonly string[]): void {
  server.ext("onRequest", (request, h) => {
    request.app.trace = traced(request.headers.traceparent as string | undefined);
    request.app.begun = performance.now();
    request.app.fields = {};
    return h.continue;
  });
  // hapi's own answer says nothing of what failed, which is right for clients.
  server.events.on({ name: "request", channels: "error" }, ({ app }, { error }) => {
    const { stack, cause } = error as Error;
    app.fields.error = cause instanceof Error ? `${stack}\nCause: ${cause.stack}` : stack;
  });
  server.events.on("response", (request) => {
    const { method, path, app, response } = request;
    const milliseconds = performance.now() - app.begun;
    // An error is a response too by now, except where the client left before there was one.
    const status = "statusCode" in response ? response.statusCode : response.output.statusCode;
    // Never the path that was asked for: whoever asks could make labels without end.
    const route = request.route.path === "/{p*}" ? "unknown" : request.route.path;
    const counted = app.countAs ?? route;
    server.app.countRequest(method.toUpperCase(), counted, status, milliseconds / 1000);
    if (unlogged.includes(route)) return;
    server.app.log("request", {
      level: status >= 500 ? "error" : status >= 400 ? "warn" : "info",
      trace_id: app.trace.traceId,
      span_id: app.trace.spanId,
      method,
      path,
      status,
      milliseconds: Number(milliseconds.toFixed(3)),
      ...app.fields,
    });
  });
}
