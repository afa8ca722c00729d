import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { defaults, service } from "../tests/helpers.ts";
import type { Invoice } from "./database.ts";
import { startServer } from "./server.ts";

const url = "/rest/v1/invoices";

for (const invoices of [600, 601, 1200, 1500]) {
  test(`a list of ${invoices} is the same as that of the database`, async (t) => {
    const { server } = await service({ CUSTOMERS: "1", INVOICES_PER_CUSTOMER: String(invoices) });
    const all = server.app.database.invoices();
    t.is(all.length, invoices);
    const { statusCode, headers, payload } = await server.inject(url);
    t.is(statusCode, 200);
    t.is(headers["content-type"], "application/json; charset=utf-8");
    t.is(headers.link, undefined);
    t.is(payload, JSON.stringify(all));
    t.is((await server.inject(`${url}?after=7`)).payload, JSON.stringify(all.slice(7)));

    const zipped = await server.inject({ url, headers: { "accept-encoding": "gzip" } });
    t.is(zipped.headers["content-encoding"], "gzip");
    t.true(zipped.rawPayload.length < payload.length / 2);
    t.is(String(gunzipSync(zipped.rawPayload)), payload);
    t.is((await server.inject({ method: "HEAD", url })).payload, "");
  });
}

test("a list of nothing is an empty one", async (t) => {
  const { server } = await service({ CUSTOMERS: "0" });
  t.is((await server.inject(url)).payload, "[]");
  t.is((await server.inject("/rest/v1/customers")).payload, "[]");
});

/** A service that listens, with a list that does not end unless something fails. */
async function endless(t: ExecutionContext) {
  const lines: string[] = [];
  const server = await startServer({ start: true, env: defaults, log: (line) => lines.push(line) });
  t.teardown(() => server.stop({ timeout: 0 }));
  const it = { server, read: 0, fails: false };
  server.app.database.invoices = (after = 0, limit = 0) => {
    if (it.fails) throw new Error("disk I/O error");
    it.read++;
    const amount = { value: 1, currency: "EUR" };
    const invoice = (_: unknown, index: number): Invoice => ({
      ...{ id: after + index + 1, customerId: 1, amount, status: "PAID" },
    });
    return Array.from({ length: limit }, invoice);
  };
  const log = async () => {
    while (lines.length < 2) await sleep(5);
    return JSON.parse(lines[1] as string);
  };
  return Object.assign(it, { log, list: `${server.info.uri}${url}` });
}

/** Until nothing more is read. */
async function untilQuiet(it: { read: number }) {
  for (let before = -1; before !== it.read; await sleep(200)) before = it.read;
}

test("others are answered while somebody reads a list fast, and it ends when the reader leaves", async (t) => {
  const it = await endless(t);
  // A process of its own, which takes all there is at once.
  const read = `require("node:net").connect(${it.server.info.port}, "127.0.0.1").resume()
    .write("GET ${url} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")`;
  const reader = spawn(process.execPath, ["--eval", read], { stdio: "ignore" });
  t.teardown(() => reader.kill("SIGKILL"));
  while (it.read === 0) await sleep(5);
  const before = it.read;
  for (let n = 0; n < 20; n++) t.is((await fetch(`${it.server.info.uri}/rest/health`)).status, 200);
  const pieces = it.read - before;
  t.true(pieces > 0 && pieces < 20 * 20, `${pieces} pieces meanwhile`);
  reader.kill("SIGKILL");
  t.like(await it.log(), { path: url, status: 499 });
  await untilQuiet(it);
});

test("what fails amid a list cuts it, so that nobody takes it for whole", async (t) => {
  const it = await endless(t);
  const { status, body } = await fetch(it.list);
  t.is(status, 200);
  it.fails = true;
  await t.throwsAsync(async () => {
    for await (const _ of body ?? []);
  });
  const line = await it.log();
  t.like(line, { path: url, status: 500, level: "error" });
  t.regex(line.error, /^Error: disk I\/O error\n/);
});

test("a reader that stalls holds a piece or two, and not for long", async (t) => {
  const it = await endless(t);
  const { timeout } = it.server.match("get", url)?.settings ?? {};
  t.is(timeout?.socket, 30_000);
  Object.assign(timeout ?? {}, { socket: 1000 });
  const socket = connect(Number(it.server.info.port), "127.0.0.1");
  t.teardown(() => socket.destroy());
  socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const begun = performance.now();
  await once(it.server.listener, "request");
  await untilQuiet(it);
  t.true(it.read < 500, "what the system's buffers take, and no more");
  t.like(await it.log(), { path: url, status: 499 });
  t.true(performance.now() - begun < 10_000);
});
