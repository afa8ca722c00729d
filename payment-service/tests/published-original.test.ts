import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Client, chargeRequest, type Invoice, payRun, resultIn } from "./published-original.ts";

const invoice: Invoice = { id: 2, customerId: 1, value: 373.65 };

test("the request is what the JVM sent, byte for byte", (t) => {
  const seen =
    "POST /api/v1/charge HTTP/1.1\r\n" +
    "Accept: */*\r\n" +
    "Accept-Encoding: gzip, deflate\r\n" +
    "Content-Type: application/json\r\n" +
    "User-Agent: Java/11.0.16\r\n" +
    "Host: payment.app-payment:9000\r\n" +
    "Connection: keep-alive\r\n" +
    "Content-Length: 46\r\n" +
    "\r\n" +
    '{"currency":{},"customer_id":1,"value":373.65}';
  t.is(chargeRequest("payment.app-payment:9000", invoice), seen);
});

test("it reads the body of an answer alone, and takes nothing but a result for one", (t) => {
  t.deepEqual(
    ['{"result":true}', '{"result":false}', '{"result":"TRUE"}', '{"result":"false"}'].map(
      resultIn,
    ),
    [true, false, true, false],
  );
  for (const body of [
    "",
    "<html>",
    '{"title":"Bad Request"}',
    '{"result":1}',
    '{"result":[true]}',
  ]) {
    t.throws(() => resultIn(body), undefined, body);
  }
});

const builds: [name: string, args: string[]][] = [
  ["the bundle", ["dist/main.cjs"]],
  ["the snapshot", ["--snapshot-blob=dist/snapshot.blob"]],
];

/** A process of the service: its port, and the charges that it logged. */
async function start(t: ExecutionContext, args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--no-warnings", ...args], {
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout);
  const [first] = await once(lines, "line");
  const logged: { status: number; currency?: string; result?: boolean }[] = [];
  lines.on("line", (line) => {
    const entry = JSON.parse(line);
    if (entry.message === "request") logged.push(entry);
  });
  /** The charges that were logged, once there are so many. */
  const log = async (count: number) => {
    for (let i = 0; i < 100 && logged.length < count; i++) await setTimeout(100);
    return logged;
  };
  return { port: Number(new URL(JSON.parse(first).url).port), child, log };
}

function client(t: ExecutionContext, port: number, retryPost = true): Client {
  const made = new Client("127.0.0.1", port, retryPost);
  t.teardown(() => made.close());
  return made;
}

/** Each status that a charge can have, but for 200, with what makes it. */
const refusals: [status: number, env: NodeJS.ProcessEnv, from: string | RegExp, to: string][] = [
  [400, {}, '"customer_id":1', '"customer_id":0'],
  [400, {}, '"currency":{}', '"currency":[]'],
  [
    401,
    {
      CALLER: undefined,
      CALLER_ISSUER: "https://issuer.test",
      CALLER_JWKS_URL: "http://127.0.0.1:1/jwks",
      CALLER_AUDIENCE: "payment",
      CALLER_SUBJECT: "antaeus",
    },
    "",
    "",
  ],
  [404, {}, "POST /api/v1/charge", "POST /api/v2/charge"],
  [405, {}, "POST /api/v1/charge", "POST /health"],
  [413, {}, /46\r\n\r\n\{/, `2046\r\n\r\n{${" ".repeat(2000)}`],
  [415, {}, "Content-Type: application/json", "Content-Type: text/plain"],
  [
    422,
    {},
    "Content-Length",
    'Idempotency-Key: "invoice-7.sha256-TvMe9Z-KtXmkIIWs-SJfEaAnZicnmUQHIyVHiRNX1WY"\r\nContent-Length',
  ],
  [503, { FAULT_ERROR_SHARE: "1" }, "", ""],
];

for (const [name, args] of builds) {
  test(`${name} decides its charges, the first on a connection and the next ones`, async (t) => {
    const { port, log } = await start(t, args);
    const socket = connect(port, "127.0.0.1").setNoDelay();
    t.teardown(() => socket.destroy());
    for (let i = 0; i < 3; i++) {
      socket.write(chargeRequest("payment.app-payment:9000", invoice));
      const [answer] = await once(socket, "data");
      t.regex(String(answer), /^HTTP\/1\.1 200 OK\r\n/);
      t.regex(String(answer), /\r\nconnection: keep-alive\r\n/i);
      t.regex(String(answer), /\r\n\r\n\{"result":(true|false)\}$/);
    }
    t.deepEqual(
      (await log(3)).map(({ status, currency }) => [status, currency]),
      Array(3).fill([200, "unknown"]),
    );
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`).then((response) =>
      response.text(),
    );
    const counted = [...metrics.matchAll(/^payment_charges_total\{.*"unknown".*\} (\d+)$/gm)];
    t.is(
      counted.reduce((sum, [, count]) => sum + Number(count), 0),
      3,
    );
    t.notRegex(metrics, /\[object/);
  });

  test(`${name} has no answer that it takes for an accepted charge, but that of one`, async (t) => {
    const started = new Map<string, ReturnType<typeof start>>();
    for (const [status, env, from, to] of refusals) {
      const key = JSON.stringify(env);
      if (!started.has(key)) started.set(key, start(t, args, { ACCEPTANCE_SHARE: "1", ...env }));
      const { port } = await (started.get(key) as ReturnType<typeof start>);
      const antaeus = client(t, port);
      const request = chargeRequest("127.0.0.1", invoice).replace(from, to);
      const { status: answered, body } = await antaeus.send(request);
      t.is(answered, status, body);
      t.throws(() => resultIn(body), { message: /result/ }, body);
      t.deepEqual(Object.keys(JSON.parse(body)), ["title", "status", "detail"]);
    }
    const { port } = await (started.get("{}") as ReturnType<typeof start>);
    t.true(
      await client(t, port).charge(invoice),
      "the control: a charge that is right is accepted",
    );
  });

  test(`${name} serves it while it drains, each charge on a connection of its own`, async (t) => {
    const { port, child } = await start(t, args, { ACCEPTANCE_SHARE: "1", DRAIN_SECONDS: "6" });
    const antaeus = client(t, port);
    t.true(await antaeus.charge(invoice));
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    await setTimeout(300);
    const ready = await fetch(`http://127.0.0.1:${port}/ready`);
    t.is(ready.status, 503);
    t.false("result" in (await ready.json()));
    for (let i = 0; i < 3; i++) t.true(await antaeus.charge(invoice));
    t.is(antaeus.resent, 0);
    t.deepEqual(await exit, [0, null]);
    await t.throwsAsync(antaeus.charge(invoice), undefined, "nobody is there any more");
  });

  test(`${name} accepts about half of its charges`, async (t) => {
    const { port } = await start(t, args);
    const antaeus = client(t, port);
    let accepted = 0;
    for (let i = 0; i < 1000; i++)
      accepted += Number(await antaeus.charge({ ...invoice, value: i + 1 }));
    // Six standard deviations.
    t.true(Math.abs(accepted - 500) <= 6 * Math.sqrt(250), `${accepted} of 1000`);
  });
}

test("a pay run ends at the first refusal: less than half of the invoices are paid", async (t) => {
  const { port } = await start(t, ["dist/main.cjs"]);
  // Ten invoices, two of them paid from the start.
  const pending = Array.from({ length: 8 }, (_, id) => ({ ...invoice, id, value: 10.5 + id }));
  let paid = 0;
  for (let run = 0; run < 100; run++) paid += (await payRun(client(t, port), pending)).paid.length;
  // One is expected, with a standard deviation of 1.4: six of those of a hundred runs.
  t.true(Math.abs(paid / 100 - 1) < 0.85, `${2 + paid / 100} of 10 invoices`);
});

/** Passes requests on, and ends the client's connection, by FIN or RST, in place of the answer of each first try. */
async function cutter(t: ExecutionContext, port: number, end: (socket: Socket) => void) {
  let count = 0;
  const server = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    let cuts = false;
    from.on("data", (chunk) => {
      if (chunk.includes("POST")) cuts = count++ % 2 === 0;
      to.write(chunk);
    });
    to.on("data", (chunk) => (cuts ? end(from) : from.write(chunk)));
    from.on("close", () => to.destroy()).on("error", () => {});
    to.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  return (server.address() as { port: number }).port;
}

const ends: [name: string, end: (socket: Socket) => void][] = [
  ["FIN", (socket) => socket.end()],
  ["RST", (socket) => socket.resetAndDestroy()],
];
const windowSeconds = 60;

for (const [name, end] of ends) {
  for (const window of [0, windowSeconds]) {
    test(`${window ? "within a window a charge that is sent again gets the first answer" : "the control: without a window it is decided again"}, after a ${name}`, async (t) => {
      const { port, log } = await start(t, ["dist/main.cjs"], {
        REPEAT_WINDOW_SECONDS: String(window),
      });
      const antaeus = client(t, await cutter(t, port, end));
      // Not across the end of a window, where a repeat is another charge.
      const left = windowSeconds - ((Date.now() / 1000) % windowSeconds);
      if (left < 5) await setTimeout(left * 1000);
      for (let i = 0; i < 40; i++) await antaeus.charge({ ...invoice, value: 10.5 + i });
      const logged = await log(80);
      t.is(antaeus.resent, 40);
      t.is(logged.length, 80);
      const pairs = logged.flatMap(({ result }, i) =>
        i % 2 ? [] : [[result, logged[i + 1]?.result] as const],
      );
      t.is(new Set(pairs.map(([first]) => first)).size, 2, "some are accepted, some refused");
      const changed = pairs.filter(([first, again]) => first !== again).length;
      t.log(`${changed} of 40 charges got another answer when they were sent again`);
      t.is(changed > 0, window === 0);
    });
  }

  test(`with retryPost=false no charge is sent again after a ${name}, and the run fails`, async (t) => {
    const { port, log } = await start(t, ["dist/main.cjs"]);
    const antaeus = client(t, await cutter(t, port, end), false);
    await t.throwsAsync(payRun(antaeus, [invoice]));
    await setTimeout(500);
    t.is((await log(1)).length, 1);
    t.is(antaeus.resent, 0);
  });
}
