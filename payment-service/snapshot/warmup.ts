import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import type { Server } from "@hapi/hapi";

/** The environment of a server that is warmed up: with a number, as those have that are to come. */
export const warmUpEnv = { ACCEPTANCE_SHARE: "0.5", CALLER: "anybody" };

/**
 * Lets a server answer, while a startup snapshot is built: V8 compiles a function when
 * it is first called, and the snapshot keeps what is compiled. This server is then forgotten.
 */
export async function warmUp(server: Server): Promise<void> {
  // The server that is made later needs it to listen.
  process.getBuiltinModule("node:cluster");
  await server.start();
  for (const [method, url, body] of [
    ["GET", "/health", ""],
    ["POST", "/api/v1/charge", '{"currency":"EUR","value":1.5,"customer_id":1}'],
    ["POST", "/api/v1/charge", '{"currency":{},"customer_id":1,"value":1.5}'],
  ] as const) {
    const request = incoming(method, url, body);
    const response = outgoing();
    const answered = new Promise((resolve) => response.once("close", resolve));
    server.listener.emit("request", request, response);
    await answered;
    assert.equal(response.statusCode, 200, url);
  }
}

/** Like http.IncomingMessage, of which a snapshot can hold nothing. */
const incoming = (method: string, url: string, body: string) =>
  Object.assign(Readable.from(body ? [Buffer.from(body)] : []), {
    method,
    url,
    httpVersion: "1.1",
    socket: { remoteAddress: "127.0.0.1" },
    headers: {
      host: "localhost",
      "content-type": "application/json",
      "content-length": String(body.length),
    },
  });

/** Like http.ServerResponse. */
const outgoing = () =>
  Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    statusCode: 0,
    headersSent: false,
    setHeader() {},
    writeHead(status: number) {
      Object.assign(this, { statusCode: status, headersSent: true });
    },
  });
