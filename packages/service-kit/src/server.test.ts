import { once } from "node:events";
import { Agent, createServer as createListener, get } from "node:http";
import { connect } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Request, RequestApplicationState, ServerOptions } from "@hapi/hapi";
import test from "ava";
import Joi from "joi";
import { parseMetrics } from "../tests/metrics.ts";
import { baseVariables, readConfig } from "./config.ts";
import { answerClientError, messageWithCause } from "./errors.ts";
import { drain, readiness, runUntilSignal } from "./lifecycle.ts";
import { metrics } from "./metrics.ts";
import { createServer, listen, prepare } from "./server.ts";

const config = { HOST: "127.0.0.1", PORT: 0, DRAIN_SECONDS: 1 };

/** A service with probes, metrics, and what echoes a number and a body; and what it logs. */
function service(options: ServerOptions = { host: config.HOST, port: config.PORT }) {
  const lines: string[] = [];
  const server = createServer(options, ["/ready", metrics.path]);
  const manifest = { version: "1.0.0" };
  const write = (line: string) => lines.push(line);
  prepare(server, { config, manifest, write, buckets: [0.1, 1] });
  const params = Joi.object({ number: Joi.number() });
  server.route([
    readiness("/ready", () => ({ status: "ready" })),
    metrics,
    { method: "GET", path: "/echo/{number}", options: { validate: { params } }, handler: echo },
    { method: "POST", path: "/echo", handler: ({ payload }) => payload ?? null },
  ]);
  const logged = () => lines.map((line) => JSON.parse(line));
  return { server, logged };
}

const echo = ({ params, app }: Request) => {
  if (Number(params.number) >= 500) {
    const cause = params.number === 501 ? new Error("the disk is full") : undefined;
    throw new Error("of no concern to the caller", { cause });
  }
  app.fields.number = params.number;
  return { number: params.number };
};

test("an error is a problem, which says what was wrong, and no more than that", async (t) => {
  const { server } = service();
  for (const [url, status, detail] of [
    ["/echo/x", 400, /"number" must be a number/],
    ["/nowhere", 404, /^Not Found$/],
    ["/echo/500", 500, /^An internal server error occurred$/],
  ] as const) {
    const { statusCode, headers, payload } = await server.inject(url);
    t.is(statusCode, status);
    t.is(headers["content-type"], "application/problem+json");
    const problem = JSON.parse(payload);
    t.deepEqual(Object.keys(problem), ["title", "status", "detail"]);
    t.is(problem.status, status);
    t.regex(problem.detail, detail);
  }
});

test("a path of another method is 405, and says which it takes; with its trace", async (t) => {
  const { server } = service();
  const wrong = await server.inject({ method: "DELETE", url: "/echo" });
  t.is(wrong.statusCode, 405);
  t.is(wrong.headers.allow, "POST");
  t.regex(String(wrong.headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  const { title, status, detail } = JSON.parse(wrong.payload);
  t.deepEqual([title, status, detail], ["Method Not Allowed", 405, "DELETE is none of POST"]);
  const post = await server.inject({ method: "POST", url: "/echo/1" });
  t.deepEqual([post.statusCode, post.headers.allow], [405, "GET, HEAD"]);
});

test("each request is logged but for probes, with what the service adds", async (t) => {
  const { server, logged } = service();
  for (const url of ["/ready", "/metrics", "/echo/7", "/echo/x", "/echo/500"])
    await server.inject(url);
  t.deepEqual(
    logged().map(({ path, level, status, number }) => [path, level, status, number]),
    [
      ["/echo/7", "info", 200, 7],
      ["/echo/x", "warn", 400, undefined],
      ["/echo/500", "error", 500, undefined],
    ],
  );
});

test("why a request failed with 500 is in its line, and nowhere else", async (t) => {
  const { server, logged } = service();
  const { error } = console;
  const said: string[] = [];
  console.error = (...words: string[]) => said.push(...words);
  await server.inject("/echo/500");
  await server.inject("/echo/x");
  await server.inject("/echo/501");
  console.error = error;
  t.deepEqual(said, []);
  const [failed, wrong, caused] = logged();
  t.regex(failed.error, /^Error: of no concern to the caller\n +at echo /);
  t.false("error" in wrong);
  t.regex(
    caused.error,
    /^Error: of no concern to the caller\n +at echo .*\nCause: Error: the disk is full\n +at echo /s,
  );
});

test("metrics are those of this server", async (t) => {
  const [{ server }, other] = [service(), service()];
  await server.inject("/echo/7");
  await server.inject({ method: "PUT", url: "/some/where" });
  await server.inject({ url: "/echo/8", app: { countAs: "apart" } as RequestApplicationState });
  const scraped = await server.inject("/metrics");
  t.is(scraped.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  const found = await parseMetrics(scraped.payload);
  t.deepEqual(
    found.http_requests_total?.data.map(({ labels, value }) => [
      ...Object.values(labels ?? {}),
      value,
    ]),
    [
      ["GET", "/echo/{number}", "200", 1],
      ["PUT", "unknown", "404", 1],
      ["GET", "apart", "200", 1],
    ],
  );
  t.deepEqual(found.service_build_info?.data[0]?.labels as unknown, server.app.build);
  t.is(found.service_draining?.data[0]?.value, 0);
  const of = async (name: string) =>
    (await parseMetrics((await other.server.inject("/metrics")).payload))[name]?.data;
  t.deepEqual(await of("http_requests_total"), []);
  t.deepEqual(await of("process_start_time_seconds"), await of("process_start_time_seconds"));
});

for (const [what, options] of [
  ["with its address", undefined],
  ["before its address is known", { listener: createListener(), autoListen: false, routes: {} }],
] as const) {
  test(`a server that was built ${what} listens, says where, and drains`, async (t) => {
    const { server, logged } = service(options);
    await listen(server, config);
    const [{ message, url, version, commit }] = logged();
    t.deepEqual([message, version, commit], ["listening", "1.0.0", "unknown"]);
    t.is((await fetch(`${url}/ready`)).status, 200);

    const drained = drain(server);
    const leaving = await fetch(`${url}/ready`);
    t.deepEqual([leaving.status, leaving.headers.get("connection")], [503, "close"]);
    const served = await fetch(`${url}/echo/7`);
    t.deepEqual([served.status, served.headers.get("connection")], [200, "close"]);
    await drained;
    await t.throwsAsync(fetch(`${url}/ready`));
    t.is(logged().at(-1).message, "stopped");
  });
}

test("a client that leaves amid its request is logged and counted as 499", async (t) => {
  const { server, logged } = service();
  await listen(server, config);
  t.teardown(() => server.stop());
  const socket = connect(server.info.port as number, config.HOST);
  socket.write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  await once(server.listener, "request");
  const answered = server.events.once("response");
  socket.destroy();
  await answered;
  t.like(logged().at(-1), { level: "warn", path: "/echo", status: 499 });
  t.regex((await server.inject("/metrics")).payload, /route="\/echo",status="499"/);
});

for (const [what, words, status] of [
  ["no HTTP", "charge me\r\n\r\n", "400 Bad Request"],
  [
    "a huge header",
    `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`,
    "431 Request Header Fields Too Large",
  ],
  [
    "half a body",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    "408 Request Time-out",
  ],
] as const) {
  test(`${what} is told so, and its connection is ended`, async (t) => {
    const listener = createListener({ connectionsCheckingInterval: 100 });
    const { server } = service({ listener, autoListen: false });
    await listen(server, config);
    t.teardown(() => server.stop());
    t.deepEqual([listener.headersTimeout, listener.requestTimeout], [5_000, 10_000]);
    listener.headersTimeout = listener.requestTimeout = 200;
    // It never ends its side of the connection by itself.
    const client = connect({
      port: server.info.port as number,
      host: config.HOST,
      allowHalfOpen: true,
    });
    t.teardown(() => client.destroy());
    client.write(words);
    const [head = "", body = ""] = (await text(client)).split("\r\n\r\n");
    t.true(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
    t.regex(head, /^Content-Type: application\/problem\+json$/m);
    t.like(JSON.parse(body), { status: Number.parseInt(status, 10) });
    const connections = promisify(listener.getConnections.bind(listener));
    while ((await connections()) > 0) await sleep(50);
  });
}

test("a connection that is lost is told nothing", async (t) => {
  const socket = new PassThrough();
  socket.end();
  answerClientError(new Error("read ECONNRESET"), socket);
  t.is(await text(socket), "");
});

test("a connection ends after a hundred requests, so that its caller finds other pods", async (t) => {
  const { server } = service();
  await listen(server, config);
  t.teardown(() => server.stop());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const last: number[] = [];
  for (let request = 1; request <= 201; request++) {
    const { port } = server.info;
    const [response] = await once(
      get({ host: "127.0.0.1", port, path: "/ready", agent }),
      "response",
    );
    await text(response);
    t.is(response.statusCode, 200);
    if (response.headers.connection === "close") last.push(request);
  }
  agent.destroy();
  t.deepEqual(last, [100, 200]);
});

test("a malformed cookie is no error", async (t) => {
  const { server } = service();
  const headers = { cookie: "a=b; =; c" };
  t.is((await server.inject({ url: "/echo/1", headers })).statusCode, 200);
});

for (const [signal, messages] of [
  ["SIGTERM", ["draining", "stopped"]],
  ["SIGINT", []],
] as const) {
  test.serial(`${signal} ends a service`, async (t) => {
    const { server, logged } = service();
    await listen(server, config);
    const url = server.info.uri;
    await runUntilSignal(Promise.resolve(server));
    process.emit(signal, signal);
    await once(server.listener, "close");
    // The message follows the end of the server.
    await new Promise(setImmediate);
    t.deepEqual(
      logged()
        .slice(1)
        .map(({ message }) => message),
      [...messages],
    );
    await t.throwsAsync(fetch(url));
    process.removeAllListeners("SIGTERM").removeAllListeners("SIGINT");
  });
}

test.serial("a second signal ends the process at once, also as PID 1", async (t) => {
  const { server } = service();
  await listen(server, config);
  await runUntilSignal(Promise.resolve(server));
  const { exit } = process;
  process.exit = (code) => {
    throw new Error(`exit ${code}`);
  };
  process.emit("SIGTERM", "SIGTERM");
  t.throws(() => process.emit("SIGTERM", "SIGTERM"), { message: "exit 1" });
  process.exit = exit;
  await once(server.listener, "close");
  process.removeAllListeners("SIGTERM").removeAllListeners("SIGINT");
});

test.serial("a service that cannot start says why, and its process fails", async (t) => {
  const { error } = console;
  const said: string[] = [];
  console.error = (line: string) => said.push(line);
  await runUntilSignal(Promise.reject(new Error("the environment is wrong")));
  console.error = error;
  t.deepEqual(said, ["the environment is wrong"]);
  t.is(process.exitCode, 1);
  process.exitCode = 0;
});

test("a message says its cause, if there is one", (t) => {
  t.is(messageWithCause(new Error("fetch failed")), "fetch failed");
  const cause = new Error("connect ECONNREFUSED");
  t.is(
    messageWithCause(new Error("fetch failed", { cause })),
    "fetch failed: connect ECONNREFUSED",
  );
});

test("a configuration has its defaults, and says all that is wrong with it", (t) => {
  const schema = Joi.object(baseVariables({ PORT: 9000, DRAIN_SECONDS: 7 }));
  t.deepEqual(readConfig(schema, { PATH: "/bin" }), {
    HOST: "0.0.0.0",
    PORT: 9000,
    DRAIN_SECONDS: 7,
  });
  t.throws(() => readConfig(schema, { PORT: "x", DRAIN_SECONDS: "-1" }), {
    message: /^The environment is wrong: .*"PORT" must be.*"DRAIN_SECONDS" must be/,
  });
});

test("a variable that is misspelt is refused, and the nearest one said", (t) => {
  const schema = Joi.object({
    ...baseVariables({ PORT: 9000, DRAIN_SECONDS: 7 }),
    CALLER: Joi.string(),
    CALLER_ISSUER: Joi.string(),
    CALLER_SUBJECT: Joi.string(),
    DATABASE: Joi.string(),
    PAYMENT_TOKEN_FILE: Joi.string(),
  });
  for (const [name, meant] of [
    ["CALLER_ISSUERS", "CALLER_ISSUER"],
    ["CALLER_SUBJCT", "CALLER_SUBJECT"],
    ["CALLER_", "CALLER_ISSUER"],
    ["DRAIN_TIME", "DRAIN_SECONDS"],
    ["DRIAN_SECONDS", "DRAIN_SECONDS"],
    ["PAYMENT_TOKEN", "PAYMENT_TOKEN_FILE"],
    ["PAYMENTS_TOKEN_FILE", "PAYMENT_TOKEN_FILE"],
    ["DATABSE", "DATABASE"],
    ["CALLERS", "CALLER"],
  ] as const)
    t.throws(() => readConfig(schema, { [name]: "secret" }), {
      message: `The environment is wrong: "${name}" is not known: is ${meant} meant?`,
    });
  t.throws(() => readConfig(schema, { PORT: "x", CALLER_SUB: "", DRAIN_TIME: "" }), {
    message: /: "PORT" must be a number\. "CALLER_SUB" is .*\?\. "DRAIN_TIME" is .*\?$/,
  });

  const others = {
    ...{ HOSTNAME: "payment-0", HOME: "/", PATH: "/bin", PORTS: "1", REPORT: "1", CALL: "1" },
    ...{ PAYMENT_SERVICE_HOST: "10.0.0.1", PAYMENT_SERVICE_PORT_HTTP: "9000" },
    ...{ PAYMENT_PORT: "tcp://10.0.0.1:9000", PAYMENT_PORT_9000_TCP_ADDR: "10.0.0.1" },
  };
  t.deepEqual(readConfig(schema, others), { HOST: "0.0.0.0", PORT: 9000, DRAIN_SECONDS: 7 });
});
