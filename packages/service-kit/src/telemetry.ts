import type { Request, Server } from "@hapi/hapi";
import { type Trace, traced, traceparent } from "./trace.ts";

declare module "@hapi/hapi" {
  interface RequestApplicationState {
    trace: Trace;
    /** When it arrived, in milliseconds of `performance.now`. */
    begun: number;
    /** What else its line in the log says. No personal data. */
    fields: Record<string, unknown>;
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
  server.ext("onPreResponse", ({ response, app }, h) => {
    const headers = "output" in response ? response.output.headers : response.headers;
    headers.traceresponse = traceparent(app.trace);
    return h.continue;
  });
  server.events.on("response", (request) => {
    const { route, method, app, response } = request;
    const milliseconds = performance.now() - app.begun;
    // An error is a response too by now, except where the client left before there was one.
    const status = "statusCode" in response ? response.statusCode : response.output.statusCode;
    const path = route.path === "/{p*}" ? "unknown" : route.path;
    server.app.requests.observe(method.toUpperCase(), path, status, milliseconds / 1000);
    if (!unlogged.includes(path)) logRequest(request, status, milliseconds);
  });
}

/** One line, without personal data. */
function logRequest({ method, path, app, server }: Request, status: number, milliseconds: number) {
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
}
