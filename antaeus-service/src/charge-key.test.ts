import test from "ava";
import { firstKey, nextKey, withShare } from "./charge-key.ts";

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

test("a key names the share of its first attempt, and no other after it", (t) => {
  const first = firstKey(invoice);
  for (const share of [0, 1, 0.5, 0.1 + 0.2, 1 / 70, 1e-7]) {
    const named = withShare(first, share);
    t.is(named, first.replace(".sha256-", `.share-${share}.sha256-`));
    t.is(withShare(named, 0.9), named);
    t.regex(named, /^[\w.-]{44,255}$/);
  }
  t.false(
    nextKey(withShare(first, 0.5), invoice).includes("share"),
    "the next attempt has its own",
  );
});
