import { Counter, Gauge, Histogram, type Registry } from "service-kit/metrics";
import type { Circuit } from "./circuit.ts";
import type { Database } from "./database.ts";
import type { Outcome } from "./pay-run.ts";
import type { Charge } from "./payment.ts";

/** Of durations, in seconds: a request takes milliseconds, a pay run seconds or minutes. */
export const buckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** What became of the invoices of a pay run. */
const results = ["accepted", "refused", "unknown", "skipped"] as const;

/** What one server counts of its pay runs. */
export class PayRunMetrics {
  readonly #runs = new Counter({
    name: "antaeus_pay_runs_total",
    help: "Pay runs that ended, by whether all that was due was paid.",
    labelNames: ["complete"],
    registers: [],
  });
  readonly #durations = new Histogram({
    name: "antaeus_pay_run_duration_seconds",
    help: "How long pay runs took, with the wait for those before them.",
    buckets,
    registers: [],
  });
  readonly #charges = new Counter({
    name: "antaeus_charges_total",
    help: "What became of the invoices of pay runs, counted as these end.",
    labelNames: ["result"],
    registers: [],
  });
  readonly #attempts = new Histogram({
    name: "antaeus_charge_attempt_duration_seconds",
    help: "How long payment took for a charge it was asked for; none is without a usable answer.",
    labelNames: ["result"],
    buckets,
    registers: [],
  });

  constructor() {
    // Known from the start, so that a rate starts from zero.
    for (const complete of ["true", "false"]) this.#runs.inc({ complete }, 0);
    for (const result of results) this.#charges.inc({ result }, 0);
  }

  /** Has a registry show these metrics, and the state of the database and of the circuit. */
  register(registry: Registry, database: Database, circuit: Circuit): void {
    for (const metric of [this.#runs, this.#durations, this.#charges, this.#attempts])
      registry.registerMetric(metric);
    new Gauge({
      name: "antaeus_invoices",
      help: "Invoices there are.",
      labelNames: ["status"],
      registers: [registry],
      collect() {
        for (const [status, count] of Object.entries(database.count())) this.set({ status }, count);
      },
    });
    new Gauge({
      name: "antaeus_circuit_open",
      help: "1 while payment is left alone.",
      registers: [registry],
      collect() {
        this.set(Number(circuit.open));
      },
    });
  }

  observe(outcome: Outcome, seconds: number): void {
    this.#runs.inc({ complete: String(outcome.accepted === outcome.due) });
    this.#durations.observe(seconds);
    for (const result of results) this.#charges.inc({ result }, outcome[result]);
  }

  /** Counts the time of each attempt. */
  timed(charge: Charge): Charge {
    return async (invoice, trace) => {
      const begun = performance.now();
      let result = "none";
      try {
        const accepted = await charge(invoice, trace);
        result = accepted ? "accepted" : "refused";
        return accepted;
      } finally {
        this.#attempts.observe({ result }, (performance.now() - begun) / 1000);
      }
    };
  }
}
