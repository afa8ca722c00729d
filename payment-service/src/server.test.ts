import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { caller } from "../tests/signer.ts";
import { startServer } from "./server.ts";

const env = { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody" };
const log = () => {};

test("health", async (t) => {
  const server = await startServer({ env, log });
  const { statusCode, payload } = await server.inject("/health");
  t.is(statusCode, 200);
  t.deepEqual(JSON.parse(payload), { status: "ok", version: "1.0.0", commit: "unknown" });
});

test("the log says who may charge", async (t) => {
  for (const [who, of] of [
    [env, "anybody"],
    [{ ...caller, CALLER_JWKS_URL: "http://127.0.0.1:1" }, caller.CALLER_SUBJECT],
  ] as const) {
    const lines: string[] = [];
    const server = await startServer({
      start: true,
      env: { HOST: "127.0.0.1", PORT: "0", ...who },
      log: (line) => lines.push(line),
    });
    await server.stop();
    t.like(JSON.parse(lines[0] ?? ""), { message: "listening", caller: of });
  }
});

test("does not listen unless it is told to", async (t) => {
  const server = await startServer({ env, log });
  t.false(server.listener.listening);
});

test("a wrong environment is refused before anything listens", async (t) => {
  await t.throwsAsync(startServer({ start: true, env: { PORT: "x" }, log }), { message: /"PORT"/ });
});

test("the process says what is wrong with its environment, and ends", (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["src/main.ts"], {
    env: { CALLER: "anybody", PORT: "x" },
    encoding: "utf8",
  });
  t.is(status, 1);
  t.is(stdout, "");
  t.regex(stderr, /^The environment is wrong: "PORT" must be a number\n$/);
});

/** What a server on a real socket answers to these bytes. */
async function exchange(request: string): Promise<string> {
  const server = await startServer({ start: true, env, log });
  const socket = connect(server.info.port as number, "127.0.0.1");
  await once(socket, "connect");
  socket.end(request);
  const answer = await text(socket);
  await server.stop();
  return answer;
}

const body = '{"currency":"EUR","value":374.72349876543211,"customer_id":1}';
const post = `POST /api/v1/charge HTTP/1.1\r\nHost: payment\r\nConnection: close\r\nContent-Length: ${body.length}\r\n`;

test("a charge over the wire", async (t) => {
  const answer = await exchange(`${post}Content-Type: application/json\r\n\r\n${body}`);
  t.regex(answer, /^HTTP\/1.1 200 OK\r\n/);
  t.regex(answer, /\r\n\r\n\{"result":(true|false)\}$/);
});

test("a charge without a Content-Type is 415", async (t) => {
  const answer = await exchange(`${post}\r\n${body}`);
  t.regex(answer, /^HTTP\/1.1 415 /);
  t.regex(answer, /\r\n\r\n\{.*"detail":.*\}$/);
});

test("what is not HTTP is 400", async (t) => {
  t.regex(await exchange("charge me\r\n\r\n"), /^HTTP\/1.1 400 /);
});

test("a client that leaves amid its request is logged as 499", async (t) => {
  const lines: string[] = [];
  const server = await startServer({ start: true, env, log: (line) => lines.push(line) });
  t.teardown(() => server.stop());
  const socket = connect(server.info.port as number, "127.0.0.1");
  socket.write(`${post}Content-Type: application/json\r\n\r\n${body.slice(0, 10)}`);
  await once(server.listener, "request");
  const answered = server.events.once("response");
  socket.destroy();
  await answered;
  t.like(JSON.parse(lines.at(-1) ?? ""), { level: "warn", path: "/api/v1/charge", status: 499 });
});

test("stopping lets the request under way finish", async (t) => {
  const server = await startServer({ start: true, env, log });
  const socket = connect(server.info.port as number, "127.0.0.1");
  await once(socket, "connect");
  socket.write(`${post}Content-Type: application/json\r\n\r\n${body.slice(0, 10)}`);
  await once(server.listener, "request");
  const stopped = server.stop({ timeout: 5000 });
  socket.end(body.slice(10));
  t.regex(await text(socket), /"result":(true|false)\}$/);
  await stopped;
});
