import type { Database, Due } from "./database.ts";
import type { Charge } from "./payment.ts";

/** What became of the invoices of one pay run, in counts. */
export interface Outcome {
  /** Invoices that were pending when the run began. */
  due: number;
  accepted: number;
  refused: number;
  /** Without a usable answer: these stay PENDING and the next run asks again. */
  failed: number;
  /** Why the first of them failed. */
  reason?: string;
}

/** Makes pay runs, one after the other. */
export class PayRuns {
  readonly #database: Database;
  readonly #charge: Charge;
  readonly #concurrency: number;
  #stopping = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: Database, charge: Charge, concurrency: number) {
    this.#database = database;
    this.#charge = charge;
    this.#concurrency = concurrency;
  }

  /**
   * Tries every pending invoice once. Runs that overlap queue up: no invoice is ever in two
   * charges at once, and a later run tries what an earlier one was refused.
   */
  run(): Promise<Outcome> {
    const run = this.#last.then(() => this.#payAll());
    this.#last = run.catch(() => {});
    return run;
  }

  /** Begins no further charge; those under way are waited for by their requests. */
  stop(): void {
    this.#stopping = true;
  }

  async #payAll(): Promise<Outcome> {
    const due = this.#database.due();
    const outcome: Outcome = { due: due.length, accepted: 0, refused: 0, failed: 0 };
    // One iterator for all workers: each takes the next invoice from it.
    const queue = due.values();
    const worker = async () => {
      for (const invoice of queue) {
        if (this.#stopping) return;
        await this.#pay(invoice, outcome);
      }
    };
    await Promise.all(Array.from({ length: this.#concurrency }, worker));
    return outcome;
  }

  async #pay(invoice: Due, outcome: Outcome): Promise<void> {
    try {
      const accepted = await this.#charge(invoice);
      await this.#database.settle(invoice, accepted);
      outcome[accepted ? "accepted" : "refused"]++;
    } catch (error) {
      outcome.failed++;
      outcome.reason ??= describe(error as Error);
    }
  }
}

/** fetch says "fetch failed" and hides why in the cause. */
function describe({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
