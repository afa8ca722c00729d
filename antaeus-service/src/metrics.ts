import { type CircuitBreakerPolicy, CircuitState } from "cockatiel";
import { Counter, Gauge, gauge, Histogram, type Registry } from "service-kit/metrics";
import type { Database } from "./database.ts";
import { left, type Outcome, outcomes, type PayRunResult, type PayRuns } from "./pay-run.ts";
import type { ChargeClient } from "./payment.ts";

/** Of durations, in seconds: a request takes milliseconds, a pay run seconds or minutes. */
export const buckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** Adds the state of the database, of the circuit and of the pay run that is under way. */
export function addStateMetrics(
  registry: Registry,
  database: Database,
  breaker: CircuitBreakerPolicy,
  payRuns: PayRuns,
): void {
  new Gauge({
    name: "antaeus_invoices",
    help: "Invoices there are.",
    labelNames: ["status"],
    registers: [registry],
    collect() {
      for (const [status, count] of Object.entries(database.count())) this.set({ status }, count);
    },
  });
  const isOpen = () => Number(breaker.state !== CircuitState.Closed);
  gauge(registry, "antaeus_circuit_open", "1 while payment is left alone.", isOpen);
  const { current } = payRuns;
  const isActive = () => Number(current() !== undefined);
  gauge(registry, "antaeus_pay_run_active", "1 while a pay run is under way.", isActive);
  gauge(registry, "antaeus_pay_run_left", "Invoices that the pay run under way has to try.", () => {
    const soFar = current();
    return soFar ? left(soFar) : 0;
  });
}

/** Counts what becomes of invoices, as it does, and pay runs, when they have ended. */
export function payRunCounters(registry: Registry) {
  const runs = new Counter({
    name: "antaeus_pay_runs_total",
    help: "Pay runs that ended, by whether all that was due was paid.",
    labelNames: ["complete"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "antaeus_pay_run_duration_seconds",
    help: "How long pay runs took.",
    buckets,
    registers: [registry],
  });
  const lastEnd = new Gauge({
    name: "antaeus_pay_run_last_end_time_seconds",
    help: "When the last pay run ended, since 1970; 0 when none has since the start.",
    registers: [registry],
  });
  const charges = new Counter({
    name: "antaeus_charges_total",
    help: "What became of the invoices of pay runs, counted as answers come.",
    labelNames: ["result"],
    registers: [registry],
  });
  // Known from the start, so that a rate starts from zero.
  for (const complete of ["true", "false"]) runs.inc({ complete }, 0);
  for (const result of outcomes) charges.inc({ result }, 0);
  return {
    onOutcome: (result: Outcome, invoices: number) => charges.inc({ result }, invoices),
    countRun(run: PayRunResult, seconds: number) {
      runs.inc({ complete: String(run.accepted === run.due) });
      durations.observe(seconds);
      lastEnd.set(Date.now() / 1000);
    },
  };
}

/** Counts the time of each attempt. */
export function withMetrics(charge: ChargeClient, registry: Registry): ChargeClient {
  const attempts = new Histogram({
    name: "antaeus_charge_attempt_duration_seconds",
    help: "How long payment took for a charge it was asked for.",
    labelNames: ["result"],
    buckets,
    registers: [registry],
  });
  return async (invoice, trace) => {
    const begun = performance.now();
    let result: Outcome = "no_answer";
    try {
      const accepted = await charge(invoice, trace);
      result = accepted ? "accepted" : "refused";
      return accepted;
    } finally {
      attempts.observe({ result }, (performance.now() - begun) / 1000);
    }
  };
}
