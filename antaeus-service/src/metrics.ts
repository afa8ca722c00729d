import type { ServerRoute } from "@hapi/hapi";
import { build } from "./build.ts";
import type { Outcome } from "./pay-run.ts";
import type { Charge } from "./payment.ts";
import { Counter, Histogram, metric } from "./prometheus.ts";

/** Of durations, in seconds: a request takes milliseconds, a pay run seconds or minutes. */
const buckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** What became of the invoices of a pay run. */
const results = ["accepted", "refused", "unknown", "skipped"] as const;

/** What one server counts. */
export class Metrics {
  readonly #requests = new Counter("http_requests_total", "Requests answered.");
  readonly #durations = new Histogram(
    "http_request_duration_seconds",
    "From the arrival of a request to the end of its answer.",
    buckets,
  );
  readonly #payRuns = new Counter(
    "antaeus_pay_runs_total",
    "Pay runs that ended, by whether all that was due was paid.",
  );
  readonly #payRunDurations = new Histogram(
    "antaeus_pay_run_duration_seconds",
    "How long pay runs took, with the wait for those before them.",
    buckets,
  );
  readonly #charges = new Counter(
    "antaeus_charges_total",
    "What became of the invoices of pay runs, counted as these end.",
  );
  readonly #attempts = new Histogram(
    "antaeus_charge_attempt_duration_seconds",
    "How long payment took for a charge it was asked for; none is without a usable answer.",
    buckets,
  );

  constructor() {
    for (const complete of ["true", "false"]) this.#payRuns.add({ complete }, 0);
    for (const result of results) this.#charges.add({ result }, 0);
  }

  /**
   * @param path of the route, never what was asked for: whoever asks could make labels without end
   * @param seconds from its arrival to the end of its answer
   */
  request(method: string, path: string, status: number, seconds: number): void {
    this.#requests.add({ method, path, status: String(status) });
    this.#durations.observe({ method, path }, seconds);
  }

  payRun(outcome: Outcome, seconds: number): void {
    this.#payRuns.add({ complete: String(outcome.accepted === outcome.due) });
    this.#payRunDurations.observe({}, seconds);
    for (const result of results) this.#charges.add({ result }, outcome[result]);
  }

  /** Has the time of each attempt counted. */
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

  toString(): string {
    return [
      this.#requests,
      this.#durations,
      this.#payRuns,
      this.#payRunDurations,
      this.#charges,
      this.#attempts,
    ].join("");
  }
}

/** GET /metrics, for Prometheus. */
export const metrics: ServerRoute = {
  method: "GET",
  path: "/metrics",
  handler({ server }, h) {
    const { database, circuit, draining } = server.app;
    const { PENDING, PAID } = database.count();
    const text = [
      server.app.metrics,
      metric(
        "gauge",
        "antaeus_invoices",
        "Invoices there are.",
        [PENDING, { status: "PENDING" }],
        [PAID, { status: "PAID" }],
      ),
      metric("gauge", "antaeus_circuit_open", "1 while payment is left alone.", [
        Number(circuit.open),
      ]),
      metric("gauge", "antaeus_draining", "1 while it drains.", [Number(draining)]),
      metric("gauge", "antaeus_build_info", "What runs.", [1, build()]),
      ...ofProcess(),
    ];
    return h.response(text.join("")).type("text/plain; version=0.0.4");
  },
};

/** The usual metrics of a process, under their usual names. */
function ofProcess(): string[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const started = Date.now() / 1000 - process.uptime();
  const { version } = process;
  return [
    metric("counter", "process_cpu_seconds_total", "CPU time spent.", [(user + system) / 1e6]),
    metric("gauge", "process_start_time_seconds", "When it started, since 1970.", [started]),
    metric("gauge", "process_resident_memory_bytes", "Memory in use.", [rss]),
    metric("gauge", "nodejs_heap_size_used_bytes", "Heap in use.", [heapUsed]),
    metric("gauge", "nodejs_heap_size_total_bytes", "Heap set aside.", [heapTotal]),
    metric("gauge", "nodejs_external_memory_bytes", "Memory of V8's outside of its heap.", [
      external,
    ]),
    metric("gauge", "nodejs_version_info", "The Node that runs it.", [1, { version }]),
  ];
}
