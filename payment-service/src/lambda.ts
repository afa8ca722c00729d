import { isUtf8 } from "node:buffer";
import type { Server } from "@hapi/hapi";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { startServer } from "./server.ts";

/** Of an HTTP API with payload format 2.0; function URLs have the same. */
export type Event = APIGatewayProxyEventV2;

/** Headers that concern the connection, which is the gateway's, and those with a field of their own. */
const hopByHopHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "set-cookie"]);

/**
 * Serves a server as a function.
 * @param start is called at the first event, and again at the next one where it failed
 * @param options.early calls it at once: before the first event, AWS Lambda gives a function more of a processor
 * @param options.basePath where the service is at a domain of its own, such as `/pay`
 */
export function lambda(start: () => Promise<Server>, { early = false, basePath = "" } = {}) {
  let started: Promise<Server> | undefined;
  const begin = () => {
    started ??= start().catch((error) => {
      started = undefined;
      throw error;
    });
    return started;
  };
  // Whoever sends the first event is told of a failure.
  if (early) begin().catch(() => {});
  return async (event: Event) => {
    if (!event.requestContext?.http) {
      throw new Error("The event is none of an HTTP API with payload format 2.0");
    }
    const server = await begin();
    const { http } = event.requestContext;
    const path = pathOf(event, basePath);
    const { statusCode, headers, rawPayload } = await server.inject({
      method: http.method,
      url: event.rawQueryString ? `${path}?${event.rawQueryString}` : path,
      headers: { ...event.headers, ...(event.cookies && { cookie: event.cookies.join("; ") }) },
      remoteAddress: http.sourceIp,
      payload: Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8"),
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
    } satisfies APIGatewayProxyStructuredResultV2;
  };
}

/** The path of a named stage begins with its name; that of a domain of one's own, with what is mapped to the stage. */
function pathOf({ rawPath, requestContext }: Event, basePath: string): string {
  const { domainName, stage } = requestContext;
  const prefix = domainName.endsWith(".amazonaws.com") ? `/${stage}` : basePath;
  return rawPath.startsWith(`${prefix}/`) ? rawPath.slice(prefix.length) : rawPath;
}

const { AWS_LAMBDA_FUNCTION_NAME, BASE_PATH = "" } = process.env;

/** The handler that AWS Lambda calls: `main.handler` of the bundle. */
export const handler = lambda(
  async () => {
    const server = await startServer();
    server.app.log("started", server.app.build);
    return server;
  },
  { early: AWS_LAMBDA_FUNCTION_NAME !== undefined, basePath: BASE_PATH },
);
