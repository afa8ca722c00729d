import test from "ava";
import fc from "fast-check";
import { traced } from "service-kit/trace";
import { service, valid } from "../tests/helpers.ts";
import { currencies } from "./charge-request.ts";
import { fingerprint } from "./idempotency.ts";

const charges = fc.record({
  currency: fc.constantFrom(...currencies, {}),
  value: fc.double({ min: 0, max: 1e9, minExcluded: true, noNaN: true }),
  customer_id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

/** What may stand within a key: RFC 9651 has two characters escaped. */
const ids = fc
  .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 })
  .map((text) => text.replace(/["\\]/g, "\\$&"));
const header = (key: string) => ({ "idempotency-key": `"${key}"` });

test("every charge in range is charged, however its fields are ordered", async (t) => {
  const { charge } = await service();
  await fc.assert(
    fc.asyncProperty(charges, fc.boolean(), async (it, turned) => {
      const entries = Object.entries(it);
      const { statusCode, payload } = await charge(
        Object.fromEntries(turned ? entries.reverse() : entries),
      );
      t.is(statusCode, 200, JSON.stringify(it));
      t.regex(payload, /^\{"result":(true|false)\}$/);
    }),
  );
});

/** JSON knows no big numbers, and takes what is undefined for missing. */
const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

const wrong = {
  currency: fc
    .anything()
    .filter((it) => !currencies.some((one) => one === it))
    .filter((it) => JSON.stringify(it, plain) !== "{}"),
  value: fc.oneof(
    fc.double({ max: 0 }),
    fc.double({ min: 1e9, minExcluded: true }),
    fc.anything().filter((it) => typeof it !== "number"),
  ),
  customer_id: fc.oneof(
    fc.integer({ max: 0 }),
    fc.double({ min: 2 ** 53 }),
    fc.double({ noInteger: true }),
    fc.anything().filter((it) => typeof it !== "number"),
  ),
};
for (const [field, values] of Object.entries(wrong)) {
  test(`no wrong ${field} is charged, and none is a failure of the service`, async (t) => {
    const { charge, lines } = await service();
    const sendable = values.map((it) => JSON.stringify({ ...valid, [field]: it }, plain));
    await fc.assert(
      fc.asyncProperty(
        sendable.filter((text) => text.length <= 1024),
        async (text) => {
          const { statusCode, payload } = await charge(text);
          t.is(statusCode, 400, text);
          t.false("result" in JSON.parse(payload));
        },
      ),
    );
    t.true(lines.length > 0);
  });
}

test("whatever is sent is answered with a result or a problem, never both", async (t) => {
  const { charge } = await service();
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      const { statusCode, payload } = await charge(text);
      t.true(statusCode >= 400 && statusCode < 500, text);
      t.deepEqual(Object.keys(JSON.parse(payload)), ["title", "status", "detail"]);
    }),
  );
});

test("a repeat gets the first answer, on every replica", async (t) => {
  const [one, other] = [await service(), await service()];
  await fc.assert(
    fc.asyncProperty(charges, ids, fc.boolean(), async (it, id, bound) => {
      const key = header(bound ? `${id}.sha256-${fingerprint(it)}` : `${id}${fingerprint(it)}`);
      const first = await one.charge(it, key);
      t.is(first.statusCode, 200);
      t.is((await other.charge(it, key)).payload, first.payload);
      t.is((await one.charge(it, key)).payload, first.payload);
    }),
  );
});

test("no key serves two charges: a bound one nowhere, another not on one replica", async (t) => {
  const [one, other] = [await service(), await service()];
  await fc.assert(
    fc.asyncProperty(charges, charges, ids, async (it, another, id) => {
      fc.pre(fingerprint(it) !== fingerprint(another));
      const bound = header(`${id}.sha256-${fingerprint(it)}`);
      t.is((await other.charge(another, bound)).statusCode, 422);
      const opaque = header(`${id}${fingerprint(it)}`);
      t.is((await one.charge(it, opaque)).statusCode, 200);
      t.is((await one.charge(another, opaque)).statusCode, 422);
    }),
  );
});

test("what is no quoted string is no key", async (t) => {
  const { charge } = await service();
  const unquoted = fc
    .string({ unit: "grapheme-ascii", maxLength: 300 })
    .filter((text) => !/^"(\\["\\]|[^"\\]){1,255}"$/.test(text));
  await fc.assert(
    fc.asyncProperty(unquoted, async (text) => {
      const { statusCode } = await charge(valid, { "idempotency-key": text });
      t.is(statusCode, 400, text);
    }),
  );
});

test("whatever traceparent says, a trace is valid", (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { traceId, spanId } = traced(text);
      t.regex(traceId, /^(?!0{32})[0-9a-f]{32}$/);
      t.regex(spanId, /^(?!0{16})[0-9a-f]{16}$/);
    }),
  );
});
