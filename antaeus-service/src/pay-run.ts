import { randomUUID } from "node:crypto";
import { type CircuitBreakerPolicy, CircuitState } from "cockatiel";
import { messageWithCause } from "service-kit/errors";
import type { Trace } from "service-kit/trace";
import type { Database, PendingInvoice } from "./database.ts";
import type { ChargeClient, TermsClient } from "./payment.ts";
import { openCircuit } from "./resilience.ts";

/** What becomes of an invoice in a pay run. */
export const outcomes = ["accepted", "refused", "no_answer", "skipped"] as const;
export type Outcome = (typeof outcomes)[number];

/** What became of the invoices of one pay run, in counts. */
export interface PayRunResult {
  /** Which run it is. */
  run: string;
  /** Invoices that were pending when the run began: the sum of those below, once it has ended. */
  due: number;
  accepted: number;
  refused: number;
  /** Asked for without a usable answer: these stay PENDING and the next run asks again. */
  no_answer: number;
  /** Not asked for, as the circuit had opened, an answer could not be kept, or the service was stopping. */
  skipped: number;
  /** Whether the circuit is open at the end. */
  circuit: "closed" | "open";
  /** Why there was no usable answer, the first time. */
  reason?: string;
}

/** Those of a run that nothing became of yet. */
export const left = ({ due, accepted, refused, no_answer, skipped }: PayRunResult): number =>
  due - accepted - refused - no_answer - skipped;

export interface PayRunOptions {
  database: Database;
  charge: ChargeClient;
  /** What new charges of a run are decided by; without it keys name nothing. */
  terms?: TermsClient;
  /** The one that `charge` goes through. */
  breaker: CircuitBreakerPolicy;
  /** Charges under way at once. */
  concurrency: number;
  /** Aborted, no further charge begins; those under way are waited for. */
  stopping: AbortSignal;
  /** Told what became of so many invoices, as it does. */
  onOutcome?: (outcome: Outcome, invoices: number) => void;
  /** Told each five seconds how far the run is that is under way. */
  onProgress?: (soFar: PayRunResult, trace: Trace) => void;
  /** Told of each run when it has ended, and how long it took. */
  onEnd?: (result: PayRunResult, trace: Trace, milliseconds: number) => void;
}

export interface PayRun {
  id: string;
  /** As far as it is, once it has begun. */
  soFar?: PayRunResult;
  ended: Promise<PayRunResult>;
}

export interface PayRuns {
  /**
   * Tries every pending invoice once. No invoice is ever in two charges at once: who asks amid a run
   * gets the next one, which tries what this one is refused. All who ask until it begins share it.
   *
   * When the circuit opens the run ends. The next one begins with a single charge, and goes on if
   * that is answered.
   *
   * When an answer cannot be kept the run ends, too. None charges before something can be written.
   */
  run(trace: Trace): PayRun;
  /** The run that is under way, as far as it is. */
  current(): PayRunResult | undefined;
  /** Waits for the run that is under way, and for the one that waits. */
  ended(): Promise<unknown>;
}

/** Makes pay runs, one after the other. */
export function createPayRuns(options: PayRunOptions): PayRuns {
  let running: PayRun | undefined;
  let waiting: PayRun | undefined;
  return {
    run(trace) {
      if (waiting) return waiting;
      const run = { id: randomUUID() as string } as PayRun;
      const begin = () => {
        [running, waiting] = [run, undefined];
        return payAll(run, options, trace).finally(() => {
          running = undefined;
        });
      };
      if (running) {
        waiting = run;
        run.ended = running.ended.then(begin, begin);
      } else run.ended = begin();
      return run;
    },
    current: () => running?.soFar,
    ended: () => Promise.allSettled([running?.ended, waiting?.ended]),
  };
}

/** Invoices in memory at once; a thousandth of a million. */
const batch = 1000;

/**
 * What is due, each invoice once, in batches by id: what a run is refused lies behind it. A run begins anywhere and goes
 * around, and a batch is shuffled: invoices that payment cannot handle, which may lie together, do not end each run
 * before the same others. Before an invoice is asked for the first time its key names the share.
 */
function* around(database: Database, due: number, share?: number): Generator<PendingInvoice> {
  const start = database.pendingAt(Math.floor(Math.random() * due));
  for (const [from, to] of [
    [start, Number.MAX_SAFE_INTEGER],
    [1, start - 1],
  ] as const)
    for (let after = from - 1; after < to; ) {
      const invoices = database.due(after, to, batch);
      // Few at a time: what is not asked in this run, a later one may name otherwise.
      if (share === undefined) yield* invoices;
      else
        for (let at = 0; at < invoices.length; at += 16)
          yield* database.nameShare(invoices.slice(at, at + 16), share);
      after = invoices.length < batch ? to : Math.max(...invoices.map(({ id }) => id));
    }
}

async function payAll(run: PayRun, options: PayRunOptions, trace: Trace): Promise<PayRunResult> {
  const { database, charge, breaker, concurrency, stopping } = options;
  const begun = performance.now();
  const due = database.count().PENDING;
  const none = { accepted: 0, refused: 0, no_answer: 0, skipped: 0 };
  const result: PayRunResult = { run: run.id, due, ...none, circuit: "closed" };
  run.soFar = result;
  const count = (outcome: Outcome, invoices = 1) => {
    result[outcome] += invoices;
    options.onOutcome?.(outcome, invoices);
  };
  const isOpen = () => breaker.state !== CircuitState.Closed;
  const failure = database.whyNotKept();
  if (failure) result.reason = failure;
  let isFull = failure !== undefined;
  let isAway = false;
  const mayCharge = () => !isFull && !isAway && !stopping.aborted;
  const pay = async (invoice: PendingInvoice) => {
    let isAnswered = false;
    try {
      const accepted = await charge(invoice, trace);
      isAnswered = true;
      await database.recordAnswer(invoice, accepted);
      count(accepted ? "accepted" : "refused");
    } catch (error) {
      isFull ||= isAnswered;
      result.reason ??= messageWithCause(error as Error);
      count("no_answer");
    }
  };
  let share: number | undefined;
  if (mayCharge())
    try {
      share = await options.terms?.();
    } catch (error) {
      // Charges under keys that name nothing could get another answer when they are repeated.
      isAway = true;
      await openCircuit(breaker);
      result.reason = messageWithCause(error as Error);
    }
  // One for all workers: each takes the next invoice from it.
  const queue = around(database, due, share).take(due);
  const work = async (goesOn: () => boolean) => {
    try {
      while (mayCharge() && goesOn()) {
        const { value: invoice } = queue.next();
        if (!invoice) break;
        await pay(invoice);
      }
    } catch (error) {
      // What cannot be read, or named, ends the run, but not before the charges under way.
      result.reason ??= messageWithCause(error as Error);
    }
  };
  const progress = setInterval(() => options.onProgress?.(result, trace), 5000);
  try {
    let probes = isOpen() ? 1 : 0;
    await work(() => probes-- > 0);
    await Promise.all(Array.from({ length: concurrency }, () => work(() => !isOpen())));
  } finally {
    clearInterval(progress);
  }
  count("skipped", left(result));
  if (isOpen()) result.circuit = "open";
  options.onEnd?.(result, trace, performance.now() - begun);
  return result;
}
