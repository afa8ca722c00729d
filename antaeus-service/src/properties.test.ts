import { json } from "node:stream/consumers";
import test from "ava";
import fc from "fast-check";
import { traced, traceparent } from "service-kit/trace";
import { paymentThat, service, trace } from "../tests/helpers.ts";
import { chargeOf, firstKey, nextKey } from "./charge-key.ts";
import { Database } from "./database.ts";
import { createPayRuns } from "./pay-run.ts";
import { type ChargeClient, createPaymentClient, PaymentUnavailable } from "./payment.ts";
import { createBreaker, createRetries, withRetries } from "./resilience.ts";

const never = new AbortController().signal;

/** What may befall a charge; payment decides by the key, so the same key gets the same answer. */
const fates = [
  "answered",
  "lost on the way",
  "lost on the way back",
  "not taken",
  "not kept",
] as const;

test("whatever befalls charges, no invoice is charged twice, and PAID is what was charged", async (t) => {
  const life = fc.record({
    /** Pay runs that follow each other, each with the fates of its charges, in turn. */
    runs: fc.array(fc.array(fc.constantFrom(...fates), { minLength: 1 }), { maxLength: 8 }),
    accepts: fc.infiniteStream(fc.boolean()),
    attempts: fc.integer({ min: 1, max: 3 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    threshold: fc.integer({ min: 1, max: 5 }),
  });
  const property = fc.asyncProperty(life, async (life) => {
    const database = new Database(":memory:");
    database.seed(2, 6);
    const decided = new Map<string, boolean>();
    const charged = new Map<number, Set<string>>();
    let accepts = () => life.accepts.next().value as boolean;
    const pay = (id: number, key: string) => {
      if (!decided.has(key)) decided.set(key, accepts());
      const accepted = decided.get(key) as boolean;
      if (accepted) charged.set(id, (charged.get(id) ?? new Set()).add(key));
      return accepted;
    };
    let fate = (): (typeof fates)[number] => "answered";
    const charge: ChargeClient = async ({ id, chargeKey }) => {
      const now = fate();
      if (now === "lost on the way") throw new PaymentUnavailable("lost");
      if (now === "not taken") throw new Error("payment answered 401");
      const accepted = pay(id, chargeKey);
      if (now === "lost on the way back") throw new PaymentUnavailable("lost");
      if (now === "not kept") throw new Error("the disk is full");
      return accepted;
    };
    const breaker = createBreaker(life.threshold);
    const runs = createPayRuns({
      database,
      charge: withRetries(
        charge,
        breaker,
        createRetries({ CHARGE_ATTEMPTS: life.attempts, RETRY_DELAY_MS: 0 }),
        never,
      ),
      breaker,
      concurrency: life.concurrency,
      stopping: never,
    });
    const seeded = new Set(
      database
        .invoices()
        .filter(({ status }) => status === "PAID")
        .map(({ id }) => id),
    );
    const check = () => {
      for (const { id, status } of database.invoices()) {
        const charges = charged.get(id)?.size ?? 0;
        if (charges > 1) throw new Error(`${id} is charged ${charges} times`);
        if (status === "PAID" && !seeded.has(id) && charges === 0)
          throw new Error(`${id} is PAID and was not charged`);
      }
    };
    for (const script of life.runs) {
      let next = 0;
      fate = () => script[next++ % script.length] as (typeof fates)[number];
      const due = database.due().length;
      const { accepted, refused, no_answer, skipped } = await runs.run(trace).ended;
      if (accepted + refused + no_answer + skipped !== due) throw new Error("the counts are wrong");
      if (database.due().length !== due - accepted)
        throw new Error("accepted is not what was paid");
      check();
    }
    fate = () => "answered";
    accepts = () => true;
    for (let n = 0; n < 12 && database.due().length > 0; n++) await runs.run(trace).ended;
    check();
    if (database.due().length > 0) throw new Error("some are never paid");
  });
  await t.notThrowsAsync(fc.assert(property, { numRuns: 200 }));
});

const invoice = fc.record({
  customerId: fc.integer({ min: 1 }),
  amount: fc.record({
    value: fc.double({ min: 0.01, max: 1e9, noNaN: true }),
    currency: fc.constantFrom("EUR", "USD", "DKK", "SEK", "GBP"),
  }),
});

test("keys of one charge are bound to it, and differ from each other and those of others", (t) => {
  const property = fc.property(invoice, invoice, (one, other) => {
    const first = firstKey(one);
    const second = nextKey(first, one);
    fc.pre(JSON.stringify(chargeOf(one)) !== JSON.stringify(chargeOf(other)));
    const bound = (key: string) => key.slice(-"sha256-".length - 43);
    return (
      bound(first) === bound(second) &&
      bound(first) !== bound(firstKey(other)) &&
      first !== second &&
      /^[\w.-]{1,255}$/.test(second) &&
      nextKey(first, one) === second
    );
  });
  t.notThrows(() => fc.assert(property));
});

test("an amount gets through to payment as it is in the database, to the last digit", async (t) => {
  const got: unknown[] = [];
  const endpoint = await paymentThat(t, async (request, response) => {
    got.push(await json(request));
    response.end('{"result":true}');
  });
  const charge = createPaymentClient(endpoint, 30_000);
  const property = fc.asyncProperty(invoice, async (one) => {
    await charge({ ...one, id: 1, status: "PENDING", chargeKey: firstKey(one) }, trace);
    const { value, currency } = one.amount;
    return (
      JSON.stringify(got.pop()) === JSON.stringify({ currency, customer_id: one.customerId, value })
    );
  });
  await t.notThrowsAsync(fc.assert(property));
});

test("only a boolean result in a success is an answer, whatever comes", async (t) => {
  let [status, body] = [200, ""];
  const endpoint = await paymentThat(t, (_request, response) => {
    response.writeHead(status).end(body);
  });
  const charge = createPaymentClient(endpoint, 30_000);
  const due = { id: 1, customerId: 1, amount: { value: 1, currency: "EUR" }, chargeKey: "k" };
  const answer = fc.oneof(
    fc.jsonValue(),
    fc.record({ result: fc.oneof(fc.boolean(), fc.jsonValue()) }),
  );
  const property = fc.asyncProperty(
    // 204, 205 and 304 have no body; redirects are followed nowhere.
    fc.integer({ min: 200, max: 599 }).filter((s) => ![204, 205].includes(s)),
    fc.oneof(
      answer.map((value) => JSON.stringify(value)),
      fc.string(),
    ),
    async (s, b) => {
      [status, body] = [s, b];
      let expected: unknown;
      try {
        expected = s < 300 ? JSON.parse(b)?.result : undefined;
      } catch {}
      const outcome = await charge({ ...due, status: "PENDING" }, trace).catch(() => undefined);
      return outcome === (typeof expected === "boolean" ? expected : undefined);
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 300 }));
});

test("parts put together are the list, whatever their size", async (t) => {
  const { server } = await service({ CUSTOMERS: "3", INVOICES_PER_CUSTOMER: "7" });
  const url = "/rest/v1/invoices";
  const whole = (await server.inject<{ id: number }[]>(url)).result ?? [];
  const size = fc.integer({ min: 1, max: 30 });
  const property = fc.asyncProperty(size, size, async (limit, after) => {
    const parts: object[] = [];
    let next: string | undefined = `${url}?limit=${limit}&after=${after}`;
    while (next) {
      const answer: { result?: object[] | undefined; headers: object } = await server.inject(next);
      if ((answer.result?.length ?? 0) > limit) return false;
      parts.push(...(answer.result ?? []));
      const { link = "" } = answer.headers as { link?: string };
      [, next] = /^<([^>]+)>/.exec(link) ?? [];
    }
    return JSON.stringify(parts) === JSON.stringify(whole.filter(({ id }) => id > after));
  });
  await t.notThrowsAsync(fc.assert(property));
});

test("a traceparent of ours is taken by ours, and none breaks it", (t) => {
  const any = fc.property(fc.string(), (header) => {
    const { traceId, sampled } = traced(header);
    const next = traced(traceparent({ ...traced(header), traceId, sampled }));
    return next.traceId === traceId && next.sampled === sampled;
  });
  t.notThrows(() => fc.assert(any));
});
