import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { defaults, paymentThat, service } from "../tests/helpers.ts";
import type { Customer, Invoice } from "./database.ts";
import { startServer } from "./server.ts";

/** A payment service that accepts what the function says. */
const payment = (t: ExecutionContext, accept: (customer: number) => boolean) =>
  paymentThat(t, async (request, response) => {
    const { customer_id } = (await json(request)) as { customer_id: number };
    response.end(JSON.stringify({ result: accept(customer_id) }));
  });

test('health answers the JSON string "ok"', async (t) => {
  const { server } = await service();
  const { statusCode, headers, payload } = await server.inject("/rest/health");
  t.is(statusCode, 200);
  t.is(payload, '"ok"');
  t.regex(String(headers["content-type"]), /^application\/json/);
});

test("lists invoices and customers, and answers for one of them", async (t) => {
  const { server } = await service({ CUSTOMERS: "3", INVOICES_PER_CUSTOMER: "4" });
  const { result: invoices } = await server.inject<Invoice[]>("/rest/v1/invoices");
  t.is(invoices?.length, 12);
  const [first] = invoices ?? [];
  t.like(first, { id: 1, customerId: 1, status: "PAID", amount: { currency: "EUR" } });
  t.deepEqual(Object.keys(first ?? {}), ["id", "customerId", "amount", "status"]);
  t.deepEqual((await server.inject("/rest/v1/invoices/1")).result as never, first);

  const { result: customers } = await server.inject<Customer[]>("/rest/v1/customers");
  t.deepEqual(customers?.[2], { id: 3, currency: "DKK" });
  t.deepEqual((await server.inject("/rest/v1/customers/3")).result as never, customers?.[2]);
});

for (const kind of ["invoices", "customers"]) {
  test(`${kind}: the links lead through the whole list, part by part`, async (t) => {
    const { server } = await service({ CUSTOMERS: "9", INVOICES_PER_CUSTOMER: "1" });
    const url = `/rest/v1/${kind}`;
    const whole = await server.inject<{ id: number }[]>(url);
    t.is(whole.headers.link, undefined);
    t.is(whole.result?.length, 9);

    for (const [limit, sizes] of [
      [4, [4, 4, 1]],
      [3, [3, 3, 3]],
      [9, [9]],
      [1000, [9]],
    ] as const) {
      const parts: object[][] = [];
      let next: string | undefined = `${url}?limit=${limit}`;
      while (next) {
        const answer: { result?: object[] | undefined; headers: object } =
          await server.inject(next);
        parts.push(answer.result ?? []);
        const { link = "" } = answer.headers as { link?: string };
        [, next] = /^<([^>]+)>; rel="next"$/.exec(link) ?? [];
      }
      t.deepEqual(
        parts.map(({ length }) => length),
        [...sizes],
      );
      t.deepEqual(parts.flat() as never, whole.result);
    }
    const rest = await server.inject<{ id: number }[]>(`${url}?after=7`);
    t.deepEqual(rest.result, whole.result?.slice(7));
    t.deepEqual((await server.inject<object[]>(`${url}?limit=2&after=9`)).result, []);
    t.deepEqual((await server.inject<{ id: number }[]>(`${url}?sort=id`)).result, whole.result);
  });

  test(`${kind}: what is no part is 400 and told why`, async (t) => {
    const { server } = await service({ CUSTOMERS: "1" });
    for (const query of ["limit=0", "limit=1001", "limit=x", "limit=", "after=-1", "after=1.5"]) {
      const { statusCode, payload } = await server.inject(`/rest/v1/${kind}?${query}`);
      t.is(statusCode, 400, query);
      t.regex(payload, new RegExp(`"detail":".*${query.split("=")[0]}`));
    }
  });
}

for (const kind of ["invoices", "customers"]) {
  test(`${kind}: an unknown id is 404 "not found", what is no id 400`, async (t) => {
    const { server } = await service({ CUSTOMERS: "1" });
    const missing = await server.inject(`/rest/v1/${kind}/999999`);
    t.is(missing.statusCode, 404);
    t.is(missing.payload, '"not found"');
    for (const id of ["x", "-1", "1.5", "99999999999999999999"]) {
      const wrong = await server.inject(`/rest/v1/${kind}/${id}`);
      t.is(wrong.statusCode, 400, id);
      t.regex(wrong.payload, /"detail":".*id/);
    }
  });
}

test("a pay run answers true when every charge was accepted, else false", async (t) => {
  for (const [accept, answer] of [
    [() => true, "true"],
    [(id: number) => id > 1, "false"],
  ] as const) {
    const PAYMENT_PROVIDER_ENDPOINT = await payment(t, accept);
    const { server, pay, logged } = await service({ PAYMENT_PROVIDER_ENDPOINT });
    const { statusCode, headers, payload } = await pay();
    t.is(statusCode, 200);
    t.is(payload, answer);
    t.is(headers["content-type"], "application/json; charset=utf-8");
    const accepted = answer === "true" ? 10 : 5;
    const [run, request, ...rest] = logged();
    t.like(run, { message: "pay run", level: "info", due: 10, accepted, refused: 10 - accepted });
    t.true(run.milliseconds > 0);
    t.like(request, {
      message: "request",
      level: "info",
      method: "post",
      path: "/rest/v1/invoices/pay",
      status: 200,
      run: headers["pay-run"],
    });
    t.is(run.run, headers["pay-run"]);
    t.deepEqual(rest, []);
    const { result } = await server.inject<Invoice[]>("/rest/v1/invoices");
    t.is(result?.filter(({ status }) => status === "PAID").length, 2 + accepted);
  }
});

test.serial(
  "a pay run that takes long says in the log how far it is, and which one it is",
  async (t) => {
    mock.timers.enable({ apis: ["setInterval"] });
    t.teardown(() => mock.timers.reset());
    const PAYMENT_PROVIDER_ENDPOINT = await payment(t, () => {
      mock.timers.tick(1000);
      return true;
    });
    const { pay, logged } = await service({ PAYMENT_PROVIDER_ENDPOINT, CHARGE_CONCURRENCY: "1" });
    const { headers } = await pay();
    const lines = logged().slice(0, -1);
    const of = { run: headers["pay-run"], trace_id: lines[0].trace_id, due: 10 };
    t.deepEqual(
      lines.map(({ message }) => message),
      ["pay run under way", "pay run under way", "pay run"],
    );
    t.like(lines[0], { ...of, accepted: 4, left: 6 });
    t.like(lines[1], { ...of, accepted: 9, left: 1 });
    t.like(lines[2], { ...of, accepted: 10 });
  },
);

test("a page of another site reads nothing and starts no pay run", async (t) => {
  const { server } = await service();
  const status = async (method: string, url: string, site?: string) =>
    (await server.inject({ method, url, headers: site ? { "sec-fetch-site": site } : {} }))
      .statusCode;
  for (const site of ["cross-site", "same-site"]) {
    t.is(await status("POST", "/rest/v1/invoices/pay", site), 403);
    t.is(await status("GET", "/rest/v1/invoices", site), 403);
  }
  // By its own page, typed in, or by what is no browser.
  for (const site of ["same-origin", "none", undefined])
    t.is(await status("GET", "/rest/v1/invoices", site), 200);
});

test("a pay run with payment away answers false, changes nothing and logs why", async (t) => {
  const { server, pay, logged } = await service();
  const before = (await server.inject("/rest/v1/invoices")).payload;
  t.is((await pay()).payload, "false");
  t.is((await server.inject("/rest/v1/invoices")).payload, before);
  const line = logged().find(({ message }) => message === "pay run");
  t.like(line, { level: "warn", due: 10, accepted: 0, refused: 0, circuit: "open" });
  t.is(line.no_answer + line.skipped, 10);
  t.regex(line.reason, /ECONNREFUSED|bad port/);
});

test("a pay run whose token is missing changes nothing and logs which file", async (t) => {
  let charges = 0;
  const PAYMENT_PROVIDER_ENDPOINT = await payment(t, () => ++charges > 0);
  const PAYMENT_TOKEN_FILE = join(mkdtempSync(join(tmpdir(), "antaeus-")), "token");
  const { server, pay, logged } = await service({ PAYMENT_PROVIDER_ENDPOINT, PAYMENT_TOKEN_FILE });
  const before = (await server.inject("/rest/v1/invoices")).payload;
  t.is((await pay()).payload, "false");
  t.is((await server.inject("/rest/v1/invoices")).payload, before);
  t.is(charges, 0);
  const line = logged().find(({ message }) => message === "pay run");
  t.like(line, { due: 10, accepted: 0, no_answer: 10 });
  t.true(line.reason.startsWith(`cannot read the token in ${PAYMENT_TOKEN_FILE}: ENOENT`));

  writeFileSync(PAYMENT_TOKEN_FILE, "secret");
  t.is((await pay()).payload, "true");
  t.is(charges, 10);
  t.notRegex(JSON.stringify(logged()), /secret/);
});

test("a client that leaves does not end its pay run", async (t) => {
  const leaving = new AbortController();
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, (_request, response) => {
    leaving.abort();
    setTimeout(() => response.end('{"result":true}'), 50);
  });
  const lines: string[] = [];
  const server = await startServer({
    start: true,
    env: { ...defaults, PAYMENT_PROVIDER_ENDPOINT },
    log: (line) => lines.push(line),
  });
  t.teardown(() => server.stop());
  const url = `${server.info.uri}/rest/v1/invoices/pay`;
  await t.throwsAsync(fetch(url, { method: "POST", signal: leaving.signal }));
  while (lines.length < 3) await sleep(10);
  t.is(server.app.database.due().length, 0);
  const [, run, request] = lines.map((line) => JSON.parse(line));
  t.like(run, { message: "pay run", accepted: 10, trace_id: request.trace_id });
});

test("data survives a restart", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const DATABASE = join(folder, "antaeus.db");
  const PAYMENT_PROVIDER_ENDPOINT = await payment(t, (customer) => customer % 2 === 0);
  const first = await service({ DATABASE, PAYMENT_PROVIDER_ENDPOINT });
  await first.pay();
  const before = (await first.server.inject("/rest/v1/invoices")).payload;
  await first.server.stop();

  const second = await service({ DATABASE, PAYMENT_PROVIDER_ENDPOINT });
  t.is((await second.server.inject("/rest/v1/invoices")).payload, before);
});

test("does not listen unless it is told to", async (t) => {
  const { server } = await service();
  t.false(server.listener.listening);
});

test("probes and scrapes are not logged; what is wrong is, as that", async (t) => {
  const { server, logged } = await service();
  for (const probe of ["/rest/health", "/rest/ready", "/metrics"]) await server.inject(probe);
  t.deepEqual(logged(), []);
  await server.inject("/rest/v1/invoices/999");
  server.app.database.invoices = () => {
    throw new Error("disk I/O error");
  };
  await server.inject("/rest/v1/invoices");
  const levels = logged().map(({ path, status, level }) => [path, status, level]);
  t.deepEqual(levels, [
    ["/rest/v1/invoices/999", 404, "warn"],
    ["/rest/v1/invoices", 500, "error"],
  ]);
});

test("listens, answers and stops", async (t) => {
  const lines: string[] = [];
  const server = await startServer({ start: true, env: defaults, log: (line) => lines.push(line) });
  t.like(JSON.parse(lines[0] ?? ""), {
    message: "listening",
    url: server.info.uri,
    version: "1.0.0",
    commit: "unknown",
  });
  t.is(await (await fetch(`${server.info.uri}/rest/health`)).json(), "ok");
  await server.stop();
  await t.throwsAsync(fetch(`${server.info.uri}/rest/health`));
});
