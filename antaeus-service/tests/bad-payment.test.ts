import type { RequestListener } from "node:http";
import { json } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import type { Invoice } from "../src/database.ts";
import { startServer } from "../src/server.ts";
import { paymentThat } from "./helpers.ts";

// One by one: they are about time.

/** A payment service that answers as it is told, and an Antaeus with 60 invoices to pay there. */
async function services(t: ExecutionContext, env: NodeJS.ProcessEnv = {}) {
  const keys: string[] = [];
  const payment = {
    answer: (() => {}) as RequestListener,
    /** The key of each request. */
    keys,
  };
  const endpoint = await paymentThat(t, (request, response) => {
    keys.push(request.headers["idempotency-key"] as string);
    payment.answer(request, response);
  });
  const lines: string[] = [];
  const antaeus = await startServer({
    env: {
      DATABASE: ":memory:",
      CUSTOMERS: "3",
      INVOICES_PER_CUSTOMER: "21",
      PAYMENT_PROVIDER_ENDPOINT: endpoint,
      CHARGE_TIMEOUT_MS: "10000",
      RETRY_DELAY_MS: "1",
      ...env,
    },
    log: (line) => lines.push(line),
  });
  const pay = async () => {
    keys.length = 0;
    lines.length = 0;
    const { statusCode, headers, payload } = await antaeus.inject({
      method: "POST",
      url: "/rest/v1/invoices/pay",
    });
    t.is(statusCode, 200);
    t.regex(String(headers["content-type"]), /^application\/json/);
    const { result } = await antaeus.inject<Invoice[]>("/rest/v1/invoices");
    const paid = result?.filter(({ status }) => status === "PAID").length ?? 0;
    const line = lines.map((line) => JSON.parse(line)).find(({ due }) => due !== undefined);
    return { answer: JSON.parse(payload), paid: paid - 3, line };
  };
  return { payment, pay };
}

const accept: RequestListener = (_request, response) => response.end('{"result":true}');

const bad: [what: string, answer: RequestListener][] = [
  ["is silent", () => {}],
  ["hangs up", (request) => request.socket.destroy()],
  ["stops amid its answer", (_request, response) => response.write('{"result":true')],
  ["drips", drip],
  ["speaks no HTTP", (request) => request.socket.end("+OK\r\n")],
  ["speaks HTML", (_request, response) => response.end("<p>true</p>")],
  ["answers in a string", (_request, response) => response.end('{"result":"true"}')],
  ["answers with a number", (_request, response) => response.end('{"result":1}')],
  ["answers in a list", (_request, response) => response.end('[{"result":true}]')],
  ["answers nothing", (_request, response) => response.writeHead(204).end()],
  ["sends away", (_request, response) => response.writeHead(307, { location: "/" }).end()],
  ["fails", (_request, response) => response.writeHead(500).end('{"result":true}')],
  ["is busy", (_request, response) => response.writeHead(429).end('{"result":true}')],
];

/** Sends a byte now and then, so that something always comes and nothing ever ends. */
function drip(_request: unknown, response: Parameters<RequestListener>[1]) {
  const timer = setInterval(() => response.write(" "), 20);
  response.once("close", () => clearInterval(timer));
}

const endless = ["is silent", "stops amid its answer", "drips"];

for (const [what, answer] of bad) {
  test.serial(`a payment that ${what} costs a few charges' time, and nobody money`, async (t) => {
    // Where nothing else ends an attempt it is the time limit, which a busy machine may reach sooner.
    const timed = endless.includes(what);
    const { payment, pay } = await services(t, timed ? { CHARGE_TIMEOUT_MS: "300" } : {});
    payment.answer = answer;
    const bad = await pay();
    t.deepEqual([bad.answer, bad.paid], [false, 0]);
    t.like(bad.line, { due: 60, accepted: 0, refused: 0, circuit: "open" });
    t.is(bad.line.no_answer + bad.line.skipped, 60);
    t.truthy(bad.line.reason);
    // Four fail and are followed by others; when the fifth does, eight are under way, it among them.
    t.true(
      bad.line.no_answer >= 5 && bad.line.no_answer <= 4 + 8,
      `${bad.line.no_answer} invoices`,
    );
    const asked = Map.groupBy(payment.keys, (key) => key);
    if (!timed) {
      t.is(asked.size, bad.line.no_answer);
      for (const { length } of asked.values()) t.is(length, 3, "attempts");
    }

    const probe = await pay();
    t.like(probe.line, { no_answer: 1, skipped: 59 }, "the next run asks for one charge");
    t.is(probe.paid, 0);

    payment.answer = accept;
    const keys = new Set<string>();
    for (let runs = 0; runs < (timed ? 50 : 1); runs++) {
      const { answer } = await pay();
      for (const key of payment.keys) keys.add(key);
      if (answer) break;
    }
    const good = await pay();
    t.deepEqual([good.answer, good.paid], [true, 60]);
    t.is(keys.size, 60);
    t.true(keys.isSupersetOf(new Set(asked.keys())), "under the keys of before");
  });
}

test.serial(
  "a payment that does not know us is asked once for each, and pays once it does",
  async (t) => {
    const { payment, pay } = await services(t);
    payment.answer = (_request, response) => response.writeHead(401).end("{}");
    const { answer, paid, line } = await pay();
    t.deepEqual([answer, paid, payment.keys.length], [false, 0, 60]);
    t.like(line, { no_answer: 60, circuit: "closed", reason: 'payment answered 401 "{}"' });
    payment.answer = accept;
    t.deepEqual((await pay()).answer, true);
  },
);

test.serial("a payment that comes and goes pays all the same", async (t) => {
  const { payment, pay } = await services(t);
  let asked = 0;
  payment.answer = (request, response) => {
    // Ten requests it is there, ten it is not.
    if (Math.floor(asked++ / 10) % 2) request.socket.destroy();
    else accept(request, response);
  };
  let runs = 1;
  while (!(await pay()).answer) t.true(++runs < 20);
  t.log(`${runs} pay runs`);
});

test.serial("a payment that is slow, but not too slow, is waited for", async (t) => {
  const { payment, pay } = await services(t);
  payment.answer = (request, response) => setTimeout(() => accept(request, response), 50);
  const { answer, line } = await pay();
  t.true(answer);
  t.like(line, { accepted: 60, circuit: "closed" });
});

test.serial("a payment that refuses everything is well", async (t) => {
  const { payment, pay } = await services(t);
  payment.answer = (_request, response) => response.end('{"result":false}');
  const first = await pay();
  const keys = [...payment.keys];
  t.like(first, { answer: false, paid: 0 });
  t.like(first.line, { refused: 60, no_answer: 0, circuit: "closed" });
  await pay();
  for (const key of payment.keys) t.false(keys.includes(key), "another attempt, another key");
});

test.serial("while it is asked, a charge is under one key, whatever is tried", async (t) => {
  const { payment, pay } = await services(t, { CHARGE_ATTEMPTS: "5", CIRCUIT_THRESHOLD: "1000" });
  const bodies = new Map<string, Set<string>>();
  payment.answer = async (request, response) => {
    const body = JSON.stringify(await json(request));
    const key = request.headers["idempotency-key"] as string;
    bodies.set(body, (bodies.get(body) ?? new Set()).add(key));
    response.writeHead(503).end();
  };
  await pay();
  await pay();
  t.is(payment.keys.length, 5 * 60);
  t.is(bodies.size, 60);
  for (const keys of bodies.values()) t.is(keys.size, 1);
});
