import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { Database } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
test.after.always(() => rmSync(folder, { recursive: true }));

let files = 0;
const file = () => join(folder, `antaeus-${++files}.db`);

test("seeds customers with currencies in turn, each with its first invoice paid", (t) => {
  const database = new Database(":memory:");
  database.seed(6, 3);
  const currencies = database.customers().map(({ currency }) => currency);
  t.deepEqual(currencies, ["EUR", "USD", "DKK", "SEK", "GBP", "EUR"]);
  for (const customer of database.customers()) {
    const own = database.invoices().filter(({ customerId }) => customerId === customer.id);
    t.deepEqual(
      own.map(({ status }) => status),
      ["PAID", "PENDING", "PENDING"],
    );
    t.true(own.every(({ amount }) => amount.currency === customer.currency));
  }
});

test("amounts lie in 10..500 and have long decimals", (t) => {
  const database = new Database(":memory:");
  database.seed(10, 10);
  const values = database.invoices().map(({ amount }) => amount.value);
  t.true(values.every((value) => value >= 10 && value < 500));
  t.true(values.filter((value) => String(value).length > 12).length > 90);
});

test("what was kept is there when the file is opened again, and seeding only adds", (t) => {
  const path = file();
  const first = new Database(path);
  first.seed(2, 3);
  first.paid(first.due()[0] as never);
  const before = first.invoices();
  first.close();

  const second = new Database(path);
  second.seed(1, 1);
  t.deepEqual(second.invoices(), before);
  second.seed(3, 4);
  t.deepEqual(second.invoices().slice(0, before.length), before);
  t.is(second.invoices().length, 12);
  t.is(second.customers().length, 3);
});

test("a paid invoice is due no more; a refused one is, under another key", (t) => {
  const database = new Database(":memory:");
  database.seed(1, 3);
  const [one, two] = database.due();
  database.paid(one as never);
  database.refused(two as never);
  const [left, ...rest] = database.due();
  t.deepEqual(rest, []);
  t.is(left?.id, two?.id);
  t.not(left?.chargeKey, two?.chargeKey);
});

test("a refusal of an earlier attempt leaves the present one alone", (t) => {
  const database = new Database(":memory:");
  database.seed(1, 2);
  const [stale] = database.due();
  database.refused(stale as never);
  const [present] = database.due();
  database.refused(stale as never);
  t.is(database.due()[0]?.chargeKey, present?.chargeKey);
});

test("what is no database, or cannot be opened, is refused and left as it is", (t) => {
  const path = file();
  writeFileSync(path, "a letter, not a database".repeat(100));
  t.throws(() => new Database(path), {
    message: /Cannot use the database .*\.db: file is not a database/,
  });
  t.throws(() => new Database("/nowhere/antaeus.db"), {
    message: /Cannot use the database \/nowhere/,
  });
});
