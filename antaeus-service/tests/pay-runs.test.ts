import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Database, type Invoice } from "../src/database.ts";
import { paymentThat } from "./helpers.ts";
import { start } from "./service.ts";

/**
 * A payment that takes some time, and accepts half: what it was asked for at once, and what it accepted.
 * An amount stands for its invoice, as no two are alike.
 */
async function slowPayment(t: ExecutionContext, milliseconds: () => number) {
  const underWay = new Set<number>();
  const accepted = new Set<number>();
  const it = { underWay, accepted, atOnce: 0, again: 0, twice: 0, endpoint: "" };
  it.endpoint = await paymentThat(t, async (request, response) => {
    const { value } = (await json(request)) as { value: number };
    if (underWay.has(value)) it.twice++;
    if (accepted.has(value)) it.again++;
    underWay.add(value);
    it.atOnce = Math.max(it.atOnce, underWay.size);
    await setTimeout(milliseconds());
    underWay.delete(value);
    const result = Math.random() < 0.5;
    if (result) accepted.add(value);
    response.end(JSON.stringify({ result }));
  });
  return it;
}

const pay = async (url: string) =>
  fetch(`${url}/rest/v1/invoices/pay`, { method: "POST", signal: AbortSignal.timeout(60_000) });

const paid = (invoices: Invoice[]) =>
  invoices.filter(({ status }) => status === "PAID").map(({ amount }) => amount.value);

const sorted = (values: Iterable<number>) => [...values].toSorted((a, b) => a - b);

test("pay runs asked for at once charge no invoice twice, and all of them answer", async (t) => {
  const payment = await slowPayment(t, () => Math.random() * 5);
  const url = await start(t, "antaeus-service", {
    DATABASE: ":memory:",
    CUSTOMERS: "5",
    INVOICES_PER_CUSTOMER: "41",
    PAYMENT_PROVIDER_ENDPOINT: payment.endpoint,
  }).url;
  const invoices = async (): Promise<Invoice[]> => (await fetch(`${url}/rest/v1/invoices`)).json();
  const before = paid(await invoices());
  const reading = setTimeout(20).then(invoices);
  const answers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const response = await pay(url);
      return [response.status, await response.json()];
    }),
  );
  t.is((await reading).length, 205, "and reading goes on meanwhile");
  t.deepEqual([payment.twice, payment.again], [0, 0]);
  t.true(payment.atOnce > 1, "in one run charges are made at once");
  for (const [status, answer] of answers) {
    t.is(status, 200);
    t.is(typeof answer, "boolean");
  }
  t.deepEqual(sorted(paid(await invoices())), sorted([...before, ...payment.accepted]));
  t.true(payment.accepted.size > 120, "those that wait share a run, and two runs pay 3 of 4");
});

test("two hundred who ask and leave cause two runs, and those who stay learn which one they got", async (t) => {
  let charges = 0;
  const go = Promise.withResolvers<void>();
  const endpoint = await paymentThat(t, async (_request, response) => {
    charges++;
    await go.promise;
    response.end('{"result":false}');
  });
  const url = await start(t, "antaeus-service", {
    DATABASE: ":memory:",
    CUSTOMERS: "1",
    INVOICES_PER_CUSTOMER: "21",
    PAYMENT_PROVIDER_ENDPOINT: endpoint,
    CHARGE_TIMEOUT_MS: "10000",
  }).url;
  const first = pay(url);
  while (charges === 0) await setTimeout(10);
  const leaving = new AbortController();
  const asked = Array.from({ length: 200 }, () =>
    fetch(`${url}/rest/v1/invoices/pay`, { method: "POST", signal: leaving.signal }),
  );
  const staying = [pay(url), pay(url)];
  await setTimeout(500);
  leaving.abort();
  await Promise.allSettled(asked);
  go.resolve();
  const runs = await Promise.all([first, ...staying]);
  const ids = runs.map(({ headers }) => headers.get("pay-run"));
  t.is(new Set(ids).size, 2);
  t.is(ids[1], ids[2]);
  await setTimeout(200);
  t.is(charges, 2 * 20);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  t.regex(metrics, /^antaeus_pay_runs_total\{complete="false"\} 2$/m);
  t.regex(metrics, /^antaeus_pay_run_active 0$/m);
});

test("SIGTERM amid a pay run: it answers, and keeps what payment said", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const DATABASE = join(folder, "antaeus.db");
  const payment = await slowPayment(t, () => 100);
  const antaeus = start(t, "antaeus-service", {
    DATABASE,
    CUSTOMERS: "10",
    INVOICES_PER_CUSTOMER: "101",
    PAYMENT_PROVIDER_ENDPOINT: payment.endpoint,
    DRAIN_SECONDS: "0.5",
  });
  const answer = pay(await antaeus.url);
  while (payment.underWay.size === 0) await setTimeout(10);

  const begun = performance.now();
  const code = await antaeus.terminate();
  const took = performance.now() - begun;
  t.is(code, 0);
  t.true(took > 500 && took < 30_000, `${took} ms`);
  const response = await answer;
  t.is(response.status, 200);
  t.is(response.headers.get("connection"), "close");
  t.is(await response.json(), false);

  const database = new Database(DATABASE);
  const ofRun = paid(database.invoices()).filter((value) => payment.accepted.has(value));
  t.is(ofRun.length, payment.accepted.size);
  t.is(paid(database.invoices()).length, 10 + payment.accepted.size);
  t.is(payment.underWay.size, 0);
  t.true(database.due().length > 500, "it began no further charges");
});

test("SIGTERM amid a pay run whose client has left: it keeps what payment said", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const DATABASE = join(folder, "antaeus.db");
  const payment = await slowPayment(t, () => 500);
  const antaeus = start(t, "antaeus-service", {
    DATABASE,
    PAYMENT_PROVIDER_ENDPOINT: payment.endpoint,
    DRAIN_SECONDS: "0",
  });
  const url = `${await antaeus.url}/rest/v1/invoices/pay`;
  const leaving = new AbortController();
  const asked = fetch(url, { method: "POST", signal: leaving.signal });
  while (payment.underWay.size < 8) await setTimeout(10);
  leaving.abort();
  await t.throwsAsync(asked);
  t.is(await antaeus.terminate(), 0);
  t.is(payment.underWay.size, 0, "it waited for the charges under way");
  t.true(payment.accepted.size > 0);
  const invoices = paid(new Database(DATABASE).invoices());
  t.true(payment.accepted.isSubsetOf(new Set(invoices)));
});
