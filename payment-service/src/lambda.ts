import { isUtf8 } from "node:buffer";
import type { Server } from "@hapi/hapi";
import { startServer } from "./server.ts";

/** What is read of an AWS Lambda event: HTTP API, payload format 2.0, as function URLs have it too. */
export interface Event {
  rawPath: string;
  rawQueryString: string;
  cookies?: string[];
  /** Several headers of one name come as one, joined with commas. */
  headers: Record<string, string>;
  body?: string;
  isBase64Encoded: boolean;
  requestContext: { stage: string; http: { method: string; sourceIp: string } };
}

/** What such a function answers. */
export interface Result {
  statusCode: number;
  headers: Record<string, string>;
  cookies: string[];
  body: string;
  isBase64Encoded: boolean;
}

/** Headers that concern the connection, which is the gateway's, and those with a field of their own. */
const hopByHopHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "set-cookie"]);

/** Serves a server as a function. @param start is called at the first event */
export function lambda(start: () => Promise<Server>): (event: Event) => Promise<Result> {
  let started: Promise<Server> | undefined;
  return async (event) => {
    started ??= start();
    const server = await started;
    const { http, stage } = event.requestContext;
    // The path of a named stage begins with its name, but not at a domain mapped to that stage.
    const prefix = event.rawPath.startsWith(`/${stage}/`) ? stage.length + 1 : 0;
    const path = event.rawPath.slice(prefix);
    const { statusCode, headers, rawPayload } = await server.inject({
      method: http.method,
      url: event.rawQueryString ? `${path}?${event.rawQueryString}` : path,
      headers: { ...event.headers, ...(event.cookies && { cookie: event.cookies.join("; ") }) },
      remoteAddress: http.sourceIp,
      ...(event.body !== undefined && {
        payload: Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8"),
      }),
    });
    const text = isUtf8(rawPayload);
    return {
      statusCode,
      headers: Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => !hopByHopHeaders.has(name))
          .map(([name, value]) => [name, String(value)]),
      ),
      cookies: [headers["set-cookie"] ?? []].flat().map(String),
      body: rawPayload.toString(text ? "utf8" : "base64"),
      isBase64Encoded: !text,
    };
  };
}

/** The handler that AWS Lambda calls: `main.handler` of the bundle. */
export const handler = lambda(async () => {
  const server = await startServer();
  server.app.log("started", server.app.build);
  return server;
});
