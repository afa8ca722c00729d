import test from "ava";
import { firstKey, nextKey } from "./charge-key.ts";

const invoice = { customerId: 7, amount: { value: 374.72, currency: "EUR" } };
/** SHA-256 of {"currency":"EUR","customer_id":7,"value":374.72}, made with sha256sum. */
const fingerprint = ".sha256-TvMe9Z-KtXmkIIWs-SJfEaAnZicnmUQHIyVHiRNX1WY";

test("keys end in the fingerprint of their charge, and are short enough for payment", (t) => {
  const first = firstKey(invoice);
  for (const key of [first, nextKey(first, invoice), nextKey("x".repeat(1000), invoice)]) {
    t.true(key.endsWith(fingerprint), key);
    t.regex(key, /^[\w.-]{44,255}$/);
  }
});

test("no two invoices share a key, and no two attempts", (t) => {
  const keys = new Set<string>();
  for (let invoices = 0; invoices < 100; invoices++) {
    let key = firstKey(invoice);
    for (let attempts = 0; attempts < 20; attempts++) {
      keys.add(key);
      key = nextKey(key, invoice);
    }
  }
  t.is(keys.size, 2000);
});

test("the next key follows from the one before and from the charge", (t) => {
  const dearer = { ...invoice, amount: { ...invoice.amount, value: 374.73 } };
  t.is(nextKey("a", invoice), nextKey("a", invoice));
  t.not(nextKey("a", invoice), nextKey("b", invoice));
  t.not(nextKey("a", invoice), nextKey("a", dearer));
});
