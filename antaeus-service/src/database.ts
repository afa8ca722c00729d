import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

export interface Customer {
  id: number;
  currency: string;
}

export interface Invoice {
  id: number;
  customerId: number;
  amount: { value: number; currency: string };
  status: "PENDING" | "PAID";
}

/** A pending invoice, and the key under which its next charge is known to payment. */
export interface Due extends Invoice {
  chargeKey: string;
}

const currencies = ["EUR", "USD", "DKK", "SEK", "GBP"];

const schema = `
  CREATE TABLE IF NOT EXISTS customer (
    id INTEGER PRIMARY KEY,
    currency TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS invoice (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customer,
    value REAL NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'PAID')),
    charge_key TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE INDEX IF NOT EXISTS invoice_customer ON invoice (customer);
  CREATE INDEX IF NOT EXISTS invoice_pending ON invoice (id) WHERE status = 'PENDING';
`;

const selectInvoices = `
  SELECT invoice.id, customer, value, currency, status, charge_key
  FROM invoice JOIN customer ON customer.id = invoice.customer`;

interface Row {
  id: number;
  customer: number;
  value: number;
  currency: string;
  status: Invoice["status"];
  charge_key: string;
}

const toInvoice = ({ id, customer, value, currency, status }: Row): Invoice => ({
  id,
  customerId: customer,
  amount: { value, currency },
  status,
});

/** Customers and invoices, kept in one SQLite file. */
export class Database {
  readonly #db: DatabaseSync;

  /**
   * Opens the file, and makes it when there is none.
   * @throws Error when the file cannot be opened or is no database
   */
  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file);
      // Readers go on while a pay run writes; a second process waits its turn.
      this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000;");
      this.#db.exec(schema);
    } catch (error) {
      throw new Error(`Cannot use the database ${file}: ${(error as Error).message}`);
    }
  }

  /** Adds what is missing to that many customers and invoices each; what is there stays. */
  seed(customers: number, invoicesEach: number): void {
    const addCustomer = this.#db.prepare("INSERT OR IGNORE INTO customer VALUES (?, ?)");
    const count = this.#db.prepare("SELECT count(*) AS n FROM invoice WHERE customer = ?");
    const addInvoice = this.#db.prepare(
      "INSERT INTO invoice (customer, value, status, charge_key) VALUES (?, ?, ?, ?)",
    );
    this.#db.exec("BEGIN IMMEDIATE");
    for (let id = 1; id <= customers; id++) {
      addCustomer.run(id, currencies[(id - 1) % currencies.length] as string);
      const { n: present } = count.get(id) as { n: number };
      for (let n = present; n < invoicesEach; n++) {
        const value = 10 + Math.random() * 490;
        addInvoice.run(id, value, n === 0 ? "PAID" : "PENDING", randomUUID());
      }
    }
    this.#db.exec("COMMIT");
  }

  customers(): Customer[] {
    return this.#all<Customer>("SELECT id, currency FROM customer ORDER BY id");
  }

  customer(id: number): Customer | undefined {
    return this.#all<Customer>("SELECT id, currency FROM customer WHERE id = ?", id)[0];
  }

  invoices(): Invoice[] {
    return this.#all<Row>(`${selectInvoices} ORDER BY invoice.id`).map(toInvoice);
  }

  invoice(id: number): Invoice | undefined {
    return this.#all<Row>(`${selectInvoices} WHERE invoice.id = ?`, id).map(toInvoice)[0];
  }

  /** The invoices to pay, oldest first. */
  due(): Due[] {
    return this.#all<Row>(`${selectInvoices} WHERE status = 'PENDING' ORDER BY invoice.id`).map(
      (row) => ({ ...toInvoice(row), chargeKey: row.charge_key }),
    );
  }

  /** The charge was accepted. */
  paid({ id }: Due): void {
    this.#db.prepare("UPDATE invoice SET status = 'PAID' WHERE id = ?").run(id);
  }

  /** The charge was refused: that attempt is over, so the next one goes under a key of its own. */
  refused({ id, chargeKey }: Due): void {
    this.#db
      .prepare("UPDATE invoice SET charge_key = ? WHERE id = ? AND charge_key = ?")
      .run(randomUUID(), id, chargeKey);
  }

  close(): void {
    this.#db.close();
  }

  #all<T>(sql: string, ...parameters: number[]): T[] {
    return this.#db.prepare(sql).all(...parameters) as T[];
  }
}
