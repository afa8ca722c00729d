import { type CircuitBreakerPolicy, CircuitState } from "cockatiel";
import { messageWithCause } from "service-kit/errors";
import type { Trace } from "service-kit/trace";
import type { Database, PendingInvoice } from "./database.ts";
import type { ChargeClient } from "./payment.ts";

/** What became of the invoices of one pay run, in counts. */
export interface PayRunResult {
  /** Invoices that were pending when the run began: the sum of those below. */
  due: number;
  accepted: number;
  refused: number;
  /** Asked for without a usable answer: these stay PENDING and the next run asks again. */
  no_answer: number;
  /** Not asked for, as the circuit had opened or the service was stopping. */
  skipped: number;
  /** Whether the circuit is open at the end. */
  circuit: "closed" | "open";
  /** Why there was no usable answer, the first time. */
  reason?: string;
}

export interface PayRunOptions {
  database: Database;
  charge: ChargeClient;
  /** The one that `charge` goes through. */
  breaker: CircuitBreakerPolicy;
  /** Charges under way at once. */
  concurrency: number;
  /** Aborted, no further charge begins; those under way are waited for. */
  stopping: AbortSignal;
  /** Told of each run when it has ended, and how long it took. */
  onEnd?: (result: PayRunResult, trace: Trace, milliseconds: number) => void;
}

export interface PayRuns {
  /**
   * Tries every pending invoice once. No invoice is ever in two charges at once: who asks amid a run
   * gets the next one, which tries what this one is refused. All who ask until it begins share it.
   *
   * When the circuit opens the run ends. The next one begins with a single charge, and goes on if
   * that is answered.
   */
  run(trace: Trace): Promise<PayRunResult>;
  /** Waits for the run that is under way, and for the one that waits. */
  ended(): Promise<unknown>;
}

/** Makes pay runs, one after the other. */
export function createPayRuns(options: PayRunOptions): PayRuns {
  let running: Promise<PayRunResult> | undefined;
  let waiting: Promise<PayRunResult> | undefined;
  return {
    run(trace) {
      const begin = () => {
        waiting = undefined;
        running = payAll(options, trace).finally(() => {
          running = undefined;
        });
        return running;
      };
      if (!running) return begin();
      waiting ??= running.then(begin, begin);
      return waiting;
    },
    ended: () => Promise.allSettled([running, waiting]),
  };
}

async function payAll(options: PayRunOptions, trace: Trace): Promise<PayRunResult> {
  const { database, charge, breaker, concurrency, stopping, onEnd } = options;
  const begun = performance.now();
  const due = database.due();
  const none = { accepted: 0, refused: 0, no_answer: 0, skipped: 0 };
  const result: PayRunResult = { due: due.length, ...none, circuit: "closed" };
  const isOpen = () => breaker.state !== CircuitState.Closed;
  const pay = async (invoice: PendingInvoice) => {
    try {
      const accepted = await charge(invoice, trace);
      await database.recordAnswer(invoice, accepted);
      result[accepted ? "accepted" : "refused"]++;
    } catch (error) {
      result.no_answer++;
      result.reason ??= messageWithCause(error as Error);
    }
  };
  // One iterator for all workers: each takes the next invoice from it.
  const queue = due.values();
  if (isOpen() && !stopping.aborted) for (const probe of queue.take(1)) await pay(probe);
  const worker = async () => {
    for (const invoice of queue) {
      if (isOpen() || stopping.aborted) result.skipped++;
      else await pay(invoice);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  if (isOpen()) result.circuit = "open";
  onEnd?.(result, trace, performance.now() - begun);
  return result;
}
