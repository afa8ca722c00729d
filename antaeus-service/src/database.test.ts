import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "ava";
import { Database, type PendingInvoice } from "./database.ts";

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

test("what was kept is there when the file is opened again, and seeding only adds", async (t) => {
  const path = file();
  const first = new Database(path);
  first.seed(2, 3);
  await first.recordAnswer(first.due()[0] as PendingInvoice, true);
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

test("a start that ends amid seeding goes on where it was", (t) => {
  const path = file();
  const database = new Database(path);
  const other = new DatabaseSync(path);
  other.exec(`CREATE TRIGGER full BEFORE INSERT ON customer WHEN NEW.id = 1500
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  t.throws(() => database.seed(2000, 9), { message: "the disk is full" });
  const before = database.invoices();
  t.is(before.length, 9000);

  other.exec("DROP TRIGGER full");
  database.seed(2000, 9);
  t.deepEqual(database.invoices(0, 9000), before);
  t.deepEqual(database.count(), { PENDING: 16_000, PAID: 2000 });
  for (const [index, { customerId }] of database.invoices().entries())
    if (customerId !== 1 + Math.floor(index / 9)) t.fail(`invoice ${index}`);
});

test("a paid invoice is due no more; a refused one is, under another key", async (t) => {
  const database = new Database(":memory:");
  database.seed(1, 3);
  const [one, two] = database.due();
  await Promise.all([
    database.recordAnswer(one as PendingInvoice, true),
    database.recordAnswer(two as PendingInvoice, false),
  ]);
  const [left, ...rest] = database.due();
  t.deepEqual(rest, []);
  t.is(left?.id, two?.id);
  t.not(left?.chargeKey, two?.chargeKey);
});

test("a refusal of an earlier attempt leaves the present one alone", async (t) => {
  const database = new Database(":memory:");
  database.seed(1, 2);
  const [stale] = database.due();
  await database.recordAnswer(stale as PendingInvoice, false);
  const [present] = database.due();
  await database.recordAnswer(stale as PendingInvoice, false);
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

test("a damaged file is refused, and not seeded anew", (t) => {
  const path = file();
  const database = new Database(path);
  database.seed(25, 40);
  database.close();
  truncateSync(path, 16 * 4096);
  t.throws(() => new Database(path), { message: /\.db: database disk image is malformed/ });
});

test("where Litestream has backed a file up, a new one is not made in its place", (t) => {
  const path = file();
  const name = path.slice(folder.length + 1);
  mkdirSync(join(folder, `.${name}-litestream`));
  const message = /\.db: it was backed up before, and is gone: restore it/;
  t.throws(() => new Database(path), { message });
  t.false(existsSync(path), "so that Litestream restores it");
  writeFileSync(path, "");
  t.throws(() => new Database(path), { message });
  rmSync(join(folder, `.${name}-litestream`), { recursive: true });
  new Database(path).close();
  mkdirSync(join(folder, `.${name}-litestream`));
  t.notThrows(() => new Database(path).close());
});

test("a database that another process writes to is waited for", async (t) => {
  const path = file();
  const holder = spawn(process.execPath, [
    "--eval",
    `const database = new (require("node:sqlite").DatabaseSync)(${JSON.stringify(path)});
    database.exec("CREATE TABLE other (id); BEGIN IMMEDIATE; INSERT INTO other VALUES (1)");
    setTimeout(() => database.exec("COMMIT"), 2000);
    console.log("locked");`,
  ]);
  t.teardown(() => holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const impatient = new DatabaseSync(path);
  t.throws(() => impatient.exec("BEGIN IMMEDIATE"), { message: "database is locked" });
  impatient.close();
  const database = new Database(path);
  database.seed(1, 2);
  t.is(database.invoices().length, 2);
});

test("an id that JSON cannot hold is refused, so the lists and the pay run go on", (t) => {
  const path = file();
  const database = new Database(path);
  database.seed(1, 2);
  const other = new DatabaseSync(path);
  const message = "CHECK constraint failed: an id is below 2^53";
  for (const id of ["9007199254740992", "9223372036854775807"]) {
    t.throws(() => other.exec(`INSERT INTO customer VALUES (${id}, 'EUR')`), { message });
    t.throws(
      () =>
        other.exec(
          `INSERT INTO invoice (id, customer, value, status, charge_key) VALUES (${id}, 1, 1.5, 'PENDING', 'a')`,
        ),
      {
        message,
      },
    );
  }
  other.exec("INSERT INTO customer VALUES (9007199254740991, 'EUR')");
  other.exec(
    "INSERT INTO invoice (id, customer, value, status, charge_key) VALUES (9007199254740991, 9007199254740991, 1, 'PENDING', 'a')",
  );
  t.is(database.customers().at(-1)?.id, Number.MAX_SAFE_INTEGER);
  t.is(database.invoices().at(-1)?.id, Number.MAX_SAFE_INTEGER);
  t.is(database.due().length, 2);
});

const byId = (a: PendingInvoice, b: PendingInvoice) => a.id - b.id;

for (const raise of ["ABORT", "ROLLBACK"]) {
  test(`answers that cannot be written are none, and can be given again: ${raise}`, async (t) => {
    const path = file();
    const database = new Database(path);
    database.seed(1, 4);
    const before = database.due();
    const other = new DatabaseSync(path);
    const { id } = before[1] as PendingInvoice;
    other.exec(`CREATE TRIGGER full BEFORE UPDATE ON invoice WHEN NEW.id = ${id}
      BEGIN SELECT RAISE(${raise}, 'the disk is full'); END`);
    const recordAnswer = () =>
      Promise.allSettled(before.map((due, index) => database.recordAnswer(due, index !== 2)));
    for (const { status, reason } of (await recordAnswer()) as PromiseRejectedResult[])
      t.like(
        { status, message: reason.message },
        { status: "rejected", message: "the disk is full" },
      );
    t.deepEqual(database.due().toSorted(byId), before.toSorted(byId));

    other.exec("DROP TRIGGER full");
    for (const { status } of await recordAnswer()) t.is(status, "fulfilled");
    t.deepEqual(
      database.due().map(({ id }) => id),
      [before[2]?.id],
    );
  });
}

test("a share is named once, and not for what another process was answered for", (t) => {
  const database = new Database(":memory:");
  database.seed(1, 4);
  const [first, second, third] = database.due() as [PendingInvoice, PendingInvoice, PendingInvoice];
  const [named] = database.nameShare([first], 0.5);
  t.is(named?.chargeKey, first.chargeKey.replace(".sha256-", ".share-0.5.sha256-"));
  t.deepEqual(database.nameShare([first], 0.3), [], "what was read before is not what is there");
  const current = database.due().find(({ id }) => id === first.id) as PendingInvoice;
  t.is(database.nameShare([current], 0.3)[0]?.chargeKey, named?.chargeKey);
  t.is(database.nameShare([second, third], 1).length, 2);
});

test("of payment's answers the latest million are kept", async (t) => {
  const path = file();
  const database = new Database(path);
  database.seed(1, 2);
  const other = new DatabaseSync(path);
  const add = other.prepare("INSERT INTO answer VALUES (?, '', 1, '', 0)");
  for (const id of [1, 2, 1_000_001]) add.run(id);
  const [invoice] = database.due();
  await database.recordAnswer(invoice as PendingInvoice, true);
  const ids = other.prepare("SELECT id FROM answer ORDER BY id").all();
  t.deepEqual(
    ids.map(({ id }) => id),
    [1_000_001, 1_000_002],
  );
});
