import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "ava";
import { Database, type PendingInvoice } from "./database.ts";

const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
test.after.always(() => rmSync(folder, { recursive: true }));

let files = 0;
const file = () => join(folder, `antaeus-${++files}.db`);

const version = (db: DatabaseSync) => db.prepare("PRAGMA user_version").get()?.user_version;

/** What the program before the last step runs, as it was: its statements have to work after the step, too. */
const before = {
  version: 0,
  start: `
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS customer (
      id INTEGER PRIMARY KEY CONSTRAINT "an id is below 2^53" CHECK (id < 9007199254740992),
      currency TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS invoice (
      id INTEGER PRIMARY KEY CONSTRAINT "an id is below 2^53" CHECK (id < 9007199254740992),
      customer INTEGER NOT NULL REFERENCES customer,
      value REAL NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID')),
      charge_key TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX IF NOT EXISTS invoice_customer ON invoice (customer);
    CREATE INDEX IF NOT EXISTS invoice_pending ON invoice (id) WHERE status = 'PENDING';`,
  addCustomer: "INSERT OR IGNORE INTO customer VALUES (?, ?)",
  countOf: "SELECT count(*) AS n FROM invoice WHERE customer = ?",
  addInvoice: "INSERT INTO invoice (customer, value, status, charge_key) VALUES (?, ?, ?, ?)",
  customers: "SELECT id, currency FROM customer WHERE id > ? ORDER BY id LIMIT ?",
  invoices: `
    SELECT invoice.id, customer AS customerId, value, currency, status, charge_key AS chargeKey
    FROM invoice JOIN customer ON customer.id = invoice.customer
    WHERE invoice.id > ? ORDER BY invoice.id LIMIT ?`,
  count: `
    SELECT
      count(*) FILTER (WHERE status = 'PENDING') AS PENDING,
      count(*) FILTER (WHERE status = 'PAID') AS PAID
    FROM invoice`,
  due: `
    SELECT invoice.id, customer AS customerId, value, currency, status, charge_key AS chargeKey
    FROM invoice JOIN customer ON customer.id = invoice.customer
    WHERE status = 'PENDING' ORDER BY random()`,
  paid: "UPDATE invoice SET status = 'PAID' WHERE id = ?",
  refused: "UPDATE invoice SET charge_key = ? WHERE id = ? AND charge_key = ?",
};

/** A file as the program before the last step leaves it: two customers, with two invoices each. */
function fileOfBefore() {
  const path = file();
  const old = new DatabaseSync(path);
  old.exec(before.start);
  for (const [id, currency] of [
    [1, "EUR"],
    [2, "USD"],
  ] as const) {
    old.prepare(before.addCustomer).run(id, currency);
    for (const status of ["PAID", "PENDING"])
      old.prepare(before.addInvoice).run(id, id + 0.5, status, `key-${id}-${status}`);
  }
  return { path, old };
}

test("a file of before is taken over, and an invoice keeps its currency", (t) => {
  const { path, old } = fileOfBefore();
  const invoices = old.prepare(before.invoices).all(0, -1);
  t.is(version(old), before.version);
  const database = new Database(path);
  t.is(version(old), 2);
  t.deepEqual(
    database.invoices().map(({ id, customerId, amount, status }) => ({
      ...{ id, customerId, ...amount, status },
    })),
    invoices.map(({ chargeKey, ...invoice }) => ({ ...invoice })) as never,
  );
  t.deepEqual(
    database
      .due()
      .map(({ chargeKey }) => chargeKey)
      .toSorted(),
    ["key-1-PENDING", "key-2-PENDING"],
  );

  old.exec("UPDATE customer SET currency = 'DKK' WHERE id = 1");
  t.deepEqual(
    database.invoices().map(({ amount }) => amount.currency),
    ["EUR", "EUR", "USD", "USD"],
  );
  database.seed(1, 3);
  t.is(database.invoices().at(-1)?.amount.currency, "DKK", "the next one has the customer's");
});

test("the program of before works after the step, and what it adds has its currency", async (t) => {
  const { path, old } = fileOfBefore();
  const database = new Database(path);
  old.exec(before.start);
  old.prepare(before.addCustomer).run(3, "SEK");
  old.prepare(before.addInvoice).run(3, 3.5, "PENDING", "key-3");
  t.is(old.prepare(before.countOf).get(3)?.n, 1);
  t.is(old.prepare(before.customers).all(0, -1).length, 3);
  t.is(old.prepare(before.invoices).all(0, -1).length, 5);
  t.deepEqual({ ...old.prepare(before.count).get() }, { PENDING: 3, PAID: 2 });
  t.is(old.prepare(before.due).all().length, 3);
  old.prepare(before.paid).run(2);
  old.prepare(before.refused).run("key-2-next", 4, "key-2-PENDING");

  old.exec("UPDATE customer SET currency = 'DKK'");
  const due = database.due().toSorted((one, other) => one.id - other.id);
  t.deepEqual(
    due.map(({ amount, chargeKey }) => [amount.currency, chargeKey]),
    [
      ["USD", "key-2-next"],
      ["SEK", "key-3"],
    ],
  );
  await database.recordAnswer(due[0] as PendingInvoice, true);
  t.is(old.prepare(before.due).all().length, 1);
});

test("a step that fails leaves the file as it was, and is taken the next time", (t) => {
  const { path, old } = fileOfBefore();
  const schema = () => old.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
  old.exec(`CREATE TRIGGER full BEFORE UPDATE ON invoice WHEN NEW.id = 3
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  const was = schema();
  t.throws(() => new Database(path), { message: /Cannot use the database .*: the disk is full/ });
  t.deepEqual(schema(), was);
  t.is(version(old), before.version);
  old.exec("DROP TRIGGER full");
  t.is(new Database(path).invoices().length, 4);
});

test("a file that a newer program has written is refused, and nothing is written to it", (t) => {
  const path = file();
  const newer = new DatabaseSync(path);
  newer.exec("CREATE TABLE elsewhere (id); PRAGMA user_version = 4");
  newer.close();
  const [bytes, names] = [readFileSync(path), readdirSync(folder)];
  t.throws(() => new Database(path), {
    message:
      /antaeus-\d+\.db: a newer Antaeus has written it: its schema is 4, and this one knows those up to 3/,
  });
  t.deepEqual(readFileSync(path), bytes);
  t.deepEqual(readdirSync(folder), names);
});

test("a file that is one step ahead is opened, as after a rollback, and stays ahead", (t) => {
  const path = file();
  new Database(path).seed(1, 2);
  const newer = new DatabaseSync(path);
  newer.exec("PRAGMA user_version = 3");
  t.is(new Database(path).invoices().length, 2);
  t.is(version(newer), 3);
});

test("what payment answered is kept, with its key and time, and with what follows from it", async (t) => {
  const path = file();
  const database = new Database(path);
  database.seed(1, 3);
  const [one, two] = database.due() as [PendingInvoice, PendingInvoice];
  const begun = Date.now();
  await Promise.all([database.recordAnswer(one, true), database.recordAnswer(two, false)]);
  const reader = new DatabaseSync(path);
  const answers = () =>
    reader.prepare("SELECT * FROM answer ORDER BY id").all() as Record<string, string | number>[];
  t.deepEqual(
    answers().map(({ invoice, charge_key, accepted }) => [invoice, charge_key, accepted]),
    [
      [one.id, one.chargeKey, 1],
      [two.id, two.chargeKey, 0],
    ],
  );
  for (const { time } of answers()) {
    t.regex(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    t.true(Date.parse(String(time)) >= begun - 1 && Date.parse(String(time)) <= Date.now());
  }

  reader.exec(`CREATE TRIGGER full BEFORE UPDATE ON invoice
    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  const [due] = database.due() as [PendingInvoice];
  await t.throwsAsync(database.recordAnswer(due, true), { message: "the disk is full" });
  t.is(answers().length, 2, "no answer is kept without what follows from it");
});
