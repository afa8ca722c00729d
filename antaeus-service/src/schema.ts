import type { DatabaseSync } from "node:sqlite";

/**
 * The steps from an empty file to the schema of today; `user_version` counts those that a file has had. They only go
 * forward, and none is changed once it is merged.
 *
 * After each step the statements of the program before it still work, so that a rollback to that program needs no
 * rollback of data: a step adds, and what nothing uses any more goes in a later one.
 *
 * No row has an id that JSON's numbers cannot tell from the next one.
 *
 * A value is floating point, as the contract has JSON numbers with long decimals: the shortest decimal that means a
 * double, which JSON, SQLite and the charge's key all keep, is the same everywhere, and nothing is ever added up.
 * A ledger that computes keeps whole cents.
 */
const steps = [
  // Files of before steps were counted have all this.
  `CREATE TABLE IF NOT EXISTS customer (
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

  // An invoice keeps its currency when its customer gets another one: its charge's key is bound to it. The program
  // before selects "currency" of both tables, so the column has another name; what it adds gets it by the trigger.
  //
  // What payment answered is kept as it came, for people to read; nothing follows from it.
  `ALTER TABLE invoice ADD COLUMN value_currency TEXT;
  UPDATE invoice SET value_currency = (SELECT currency FROM customer WHERE id = invoice.customer);
  CREATE TRIGGER invoice_currency AFTER INSERT ON invoice WHEN NEW.value_currency IS NULL BEGIN
    UPDATE invoice SET value_currency = (SELECT currency FROM customer WHERE id = NEW.customer)
    WHERE id = NEW.id;
  END;
  CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    invoice INTEGER NOT NULL,
    charge_key TEXT NOT NULL,
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1))
  ) STRICT;`,
];

/** @returns how many steps a file has had */
const version = (db: DatabaseSync): number =>
  (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;

/** Whether a file has none of the tables here. */
export const isNew = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'invoice'").get() === undefined;

/**
 * Refuses a file that is more than one step ahead, before anything is written to it. One step is what the program of
 * before a rollback may be ahead.
 */
export function checkVersion(db: DatabaseSync): void {
  const [is, most] = [version(db), steps.length + 1];
  if (is > most)
    throw new Error(
      `a newer Antaeus has written it: its schema is ${is}, and this one knows those up to ${most}`,
    );
}

/** Takes the steps that a file has not had: all of them, or none. */
export function migrate(db: DatabaseSync, transaction: (body: () => void) => void): void {
  if (version(db) >= steps.length) return;
  transaction(() => {
    // Another process may have been quicker.
    for (const step of steps.slice(version(db))) db.exec(step);
    db.exec(`PRAGMA user_version = ${Math.max(version(db), steps.length)}`);
  });
}
