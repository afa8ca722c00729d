import { messageWithCause } from "service-kit/errors";
import type { Trace } from "service-kit/trace";
import type { Circuit } from "./circuit.ts";
import type { Database, Due } from "./database.ts";
import { type Charge, NoAnswer } from "./payment.ts";

/** What became of the invoices of one pay run, in counts. */
export interface Outcome {
  /** Invoices that were pending when the run began: the sum of those below. */
  due: number;
  accepted: number;
  refused: number;
  /** Asked for without a usable answer: these stay PENDING and the next run asks again. */
  unknown: number;
  /** Not asked for, as the circuit had opened or the service was stopping. */
  skipped: number;
  /** Whether the circuit is open at the end. */
  circuit: "closed" | "open";
  /** Why there was no usable answer, the first time. */
  reason?: string;
}

/** Makes pay runs, one after the other. */
export class PayRuns {
  readonly #database: Database;
  readonly #charge: Charge;
  readonly #circuit: Circuit;
  readonly #concurrency: number;
  readonly #stopping: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param concurrency charges under way at once
   * @param stopping aborted, no further charge begins; those under way are waited for
   */
  constructor(
    database: Database,
    charge: Charge,
    circuit: Circuit,
    concurrency: number,
    stopping: AbortSignal,
  ) {
    this.#database = database;
    this.#charge = charge;
    this.#circuit = circuit;
    this.#concurrency = concurrency;
    this.#stopping = stopping;
  }

  /**
   * Tries every pending invoice once. Runs that overlap queue up: no invoice is ever in two
   * charges at once, and a later run tries what an earlier one was refused.
   *
   * When the circuit opens the run ends. The next one begins with a single charge, and goes on if
   * that gets an answer.
   */
  run(trace: Trace): Promise<Outcome> {
    const run = this.#last.then(() => this.#payAll(trace));
    this.#last = run.catch(() => {});
    return run;
  }

  async #payAll(trace: Trace): Promise<Outcome> {
    const due = this.#database.due();
    const outcome: Outcome = {
      due: due.length,
      accepted: 0,
      refused: 0,
      unknown: 0,
      skipped: 0,
      circuit: "closed",
    };
    const probe = this.#circuit.open ? due.shift() : undefined;
    if (probe) await this.#pay(probe, trace, outcome);
    // One iterator for all workers: each takes the next invoice from it.
    const queue = due.values();
    const worker = async () => {
      for (const invoice of queue) {
        if (this.#circuit.open || this.#stopping.aborted) outcome.skipped++;
        else await this.#pay(invoice, trace, outcome);
      }
    };
    await Promise.all(Array.from({ length: this.#concurrency }, worker));
    if (this.#circuit.open) outcome.circuit = "open";
    return outcome;
  }

  async #pay(invoice: Due, trace: Trace, outcome: Outcome): Promise<void> {
    try {
      const accepted = await this.#charge(invoice, trace);
      this.#circuit.answered();
      await this.#database.settle(invoice, accepted);
      outcome[accepted ? "accepted" : "refused"]++;
    } catch (error) {
      if (error instanceof NoAnswer) this.#circuit.failed();
      outcome.unknown++;
      outcome.reason ??= messageWithCause(error as Error);
    }
  }
}
