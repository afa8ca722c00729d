import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { firstKey, nextKey, type Payable, withShare } from "./charge-key.ts";
import { checkVersion, isNew, migrate } from "./schema.ts";

export interface Customer {
  id: number;
  currency: string;
}

export interface Invoice extends Payable {
  id: number;
  status: "PENDING" | "PAID";
}

/**
 * A pending invoice, and the key under which payment knows the attempt to charge it. The key is kept
 * before payment is asked, and until its answer is: whatever happens between, the same key is used.
 */
export interface PendingInvoice extends Invoice {
  chargeKey: string;
}

const currencies = ["EUR", "USD", "DKK", "SEK", "GBP"];

/** How long a process waits for its turn while another one writes, in milliseconds. */
const timeout = 5000;

/** Readers go on while a pay run writes. */
const wal = "PRAGMA journal_mode = WAL";

/**
 * What payment answered is on the disk before anything follows from it (FULL), so it outlives a power cut, not only
 * a crash; that costs a flush for each charge.
 */
const full = "PRAGMA synchronous = FULL";

/** Takes 64 kB on the disk. */
const tryRoom = "DROP TABLE IF EXISTS room; CREATE TABLE room AS SELECT zeroblob(65536)";

const selectInvoices = `
  SELECT id, customer AS customerId, value, value_currency AS currency, status, charge_key AS chargeKey
  FROM invoice`;

/** An invoice, as it is selected. */
type Row = Omit<PendingInvoice, "amount"> & Invoice["amount"];

const toInvoice = ({ id, customerId, value, currency, status }: Row): Invoice => ({
  id,
  customerId,
  amount: { value, currency },
  status,
});

/** How many of payment's answers are kept, the latest: of a million, some 140 MB. */
const kept = 1_000_000;

/** Customers and invoices, kept in one SQLite file. */
export class Database {
  readonly #db: DatabaseSync;
  /** Not on the disk yet. */
  #answers: [invoice: PendingInvoice, accepted: boolean][] = [];
  #recording: Promise<void> | undefined;
  /** Why the last answers could not be written. */
  #failure: string | undefined;

  /**
   * Opens the file, and makes it when there is none.
   * @throws Error when the file cannot be opened, is no database, or is too new; when it is gone or empty, and was
   *   backed up before
   */
  constructor(file: string) {
    try {
      // Litestream's, beside a file that it has backed up.
      const wasBackedUp = existsSync(join(dirname(file), `.${basename(file)}-litestream`));
      const refuse = (is: boolean) => {
        if (is && wasBackedUp) throw new Error("it was backed up before, and is gone: restore it");
      };
      refuse(!existsSync(file));
      this.#db = new DatabaseSync(file, { timeout });
      refuse(isNew(this.#db));
      checkVersion(this.#db);
      try {
        this.#db.exec(wal);
      } catch {
        // Where another process writes just then SQLite does not wait, but for the turn of a transaction it does.
        this.#transaction(() => {});
        this.#db.exec(wal);
      }
      this.#db.exec(full);
      migrate(this.#db, (steps) => this.#transaction(steps));
    } catch (error) {
      throw new Error(`Cannot use the database ${file}: ${(error as Error).message}`);
    }
  }

  /**
   * Adds what is missing to that many customers and invoices each; what is there stays. A million invoices take
   * half a minute, so they come in batches: a start that is killed amid them goes on where it was, and neither
   * the memory nor the log of the database grows with their number.
   */
  seed(customers: number, invoicesEach: number): void {
    const addCustomer = this.#db.prepare("INSERT OR IGNORE INTO customer VALUES (?, ?)");
    const find = this.#db.prepare(
      "SELECT currency, (SELECT count(*) FROM invoice WHERE customer = ?1) AS present FROM customer WHERE id = ?1",
    );
    const addInvoice = this.#db.prepare(
      "INSERT INTO invoice (customer, value, value_currency, status, charge_key) VALUES (?, ?, ?, ?, ?)",
    );
    const add = (id: number) => {
      addCustomer.run(id, currencies[(id - 1) % currencies.length] as string);
      const { currency, present } = find.get(id) as { currency: string; present: number };
      for (let n = present; n < invoicesEach; n++) {
        const value = 10 + Math.random() * 490;
        const key = firstKey({ customerId: id, amount: { value, currency } });
        addInvoice.run(id, value, currency, n === 0 ? "PAID" : "PENDING", key);
      }
    };
    const batch = Math.ceil(10_000 / (invoicesEach + 1));
    for (let id = 1; id <= customers; )
      this.#transaction(() => {
        for (const end = Math.min(id + batch, customers + 1); id < end; id++) add(id);
      });
  }

  /** Customers with an id above `after`, by id. @param limit how many at most; -1 is all */
  customers(after = 0, limit = -1): Customer[] {
    return this.#all<Customer>(
      "SELECT id, currency FROM customer WHERE id > ? ORDER BY id LIMIT ?",
      after,
      limit,
    );
  }

  /** Invoices with an id above `after`, by id. @param limit how many at most; -1 is all */
  invoices(after = 0, limit = -1): Invoice[] {
    return this.#all<Row>(`${selectInvoices} WHERE id > ? ORDER BY id LIMIT ?`, after, limit).map(
      toInvoice,
    );
  }

  /** How many invoices are in each status. Two indexes are counted, which takes some 20 ms for a million invoices. */
  count(): Record<Invoice["status"], number> {
    const [counts] = this.#all<{ PENDING: number; total: number }>(`
      SELECT
        (SELECT count(*) FROM invoice WHERE status = 'PENDING') AS PENDING,
        (SELECT count(*) FROM invoice) AS total`);
    const { PENDING, total } = counts as { PENDING: number; total: number };
    return { PENDING, PAID: total - PENDING };
  }

  /** The id of a pending invoice, by its place among all of them; 1 where there is none. */
  pendingAt(place: number): number {
    const sql = "SELECT id FROM invoice WHERE status = 'PENDING' ORDER BY id LIMIT 1 OFFSET ?";
    const [{ id }] = this.#all<{ id: number }>(`SELECT coalesce((${sql}), 1) AS id`, place) as [
      { id: number },
    ];
    return id;
  }

  /** The first pending invoices with an id above `after`, up to `last`, so many at most, in random order. */
  due(after = 0, last = Number.MAX_SAFE_INTEGER, limit = -1): PendingInvoice[] {
    const first = `${selectInvoices} WHERE status = 'PENDING' AND id > ? AND id <= ?
      ORDER BY id LIMIT ?`;
    const sql = `SELECT * FROM (${first}) ORDER BY random()`;
    return this.#all<Row>(sql, after, last, limit).map((row) => ({
      ...toInvoice(row),
      chargeKey: row.chargeKey,
    }));
  }

  /**
   * Has the keys of invoices name a share, on the disk, where they name none.
   * @returns the invoices with these keys, without those that another process was answered for meanwhile
   */
  nameShare(invoices: PendingInvoice[], share: number): PendingInvoice[] {
    const named: PendingInvoice[] = [];
    this.#write(() => {
      const update = this.#db.prepare(
        "UPDATE invoice SET charge_key = ? WHERE id = ? AND charge_key = ? AND status = 'PENDING'",
      );
      for (const invoice of invoices) {
        const chargeKey = withShare(invoice.chargeKey, share);
        const { changes } = update.run(chargeKey, invoice.id, invoice.chargeKey);
        if (changes === 1) named.push({ ...invoice, chargeKey });
      }
    });
    return named;
  }

  /**
   * Keeps what payment answered: an accepted charge makes the invoice PAID; a refused one is over, so
   * that the next attempt goes under a key of its own. The answer itself is kept too, with its time.
   * Answers that are there at once share a transaction, as it is the flush of the disk that takes time.
   * @returns when it is on the disk
   * @throws Error when it could not be written; then none of them was
   */
  recordAnswer(invoice: PendingInvoice, accepted: boolean): Promise<void> {
    this.#answers.push([invoice, accepted]);
    this.#recording ??= setImmediate().then(() => {
      this.#recording = undefined;
      const answers = this.#answers;
      this.#answers = [];
      this.#write(() => {
        const paid = this.#db.prepare("UPDATE invoice SET status = 'PAID' WHERE id = ?");
        const refused = this.#db.prepare(
          "UPDATE invoice SET charge_key = ? WHERE id = ? AND charge_key = ?",
        );
        const keep = this.#db.prepare(
          "INSERT INTO answer (time, invoice, charge_key, accepted) VALUES (?, ?, ?, ?)",
        );
        const now = new Date().toISOString();
        for (const [invoice, accepted] of answers) {
          const { id, chargeKey } = invoice;
          keep.run(now, id, chargeKey, Number(accepted));
          if (accepted) paid.run(id);
          else refused.run(nextKey(chargeKey, invoice), id, chargeKey);
        }
        this.#db.exec(`DELETE FROM answer WHERE id <= (SELECT max(id) FROM answer) - ${kept}`);
      });
    });
    return this.#recording;
  }

  /**
   * Why answers cannot be kept: tries to write something, where the last ones could not be, which takes more room than
   * these would.
   * @returns undefined when they can
   */
  whyNotKept(): string | undefined {
    if (this.#failure === undefined) return undefined;
    try {
      this.#write(() => this.#db.exec(tryRoom));
      this.#db.exec("DROP TABLE room");
    } catch {}
    return this.#failure;
  }

  #write(body: () => void): void {
    try {
      this.#transaction(body);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = (error as Error).message;
      throw error;
    }
  }

  #transaction(body: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#db.exec("COMMIT");
    } catch (error) {
      // Some errors, such as a full disk, have ended the transaction already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }

  #all<T>(sql: string, ...parameters: number[]): T[] {
    return this.#db.prepare(sql).all(...parameters) as T[];
  }
}
