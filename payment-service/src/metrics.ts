import type { ServerRoute } from "@hapi/hapi";
import { build } from "./build.ts";
import { currencies } from "./charge.ts";
import { Counter, Histogram, metric } from "./prometheus.ts";

/** Of a request's duration, in seconds: a charge takes less than a millisecond. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What one server counts. */
export class Metrics {
  readonly #requests = new Counter("http_requests_total", "Requests answered.");
  readonly #durations = new Histogram(
    "http_request_duration_seconds",
    "From the arrival of a request to the end of its answer.",
    buckets,
  );
  readonly #charges = new Counter("payment_charges_total", "Charges decided.");

  constructor() {
    for (const currency of [...currencies, "unknown"]) {
      for (const result of ["accepted", "refused"]) this.#charges.add({ result, currency }, 0);
    }
  }

  /**
   * @param path of the route, never what was asked for: whoever asks could make labels without end
   * @param seconds from its arrival to the end of its answer
   */
  request(method: string, path: string, status: number, seconds: number): void {
    this.#requests.add({ method, path, status: String(status) });
    this.#durations.observe({ method, path }, seconds);
  }

  charge(currency: string, accepted: boolean): void {
    this.#charges.add({ result: accepted ? "accepted" : "refused", currency });
  }

  toString(): string {
    return `${this.#requests}${this.#durations}${this.#charges}`;
  }
}

/** GET /metrics, for Prometheus. */
export const metrics: ServerRoute = {
  method: "GET",
  path: "/metrics",
  handler: ({ server }, h) =>
    h
      .response(
        [
          server.app.metrics,
          metric("gauge", "payment_draining", "1 while it drains.", Number(server.app.draining)),
          metric("gauge", "payment_build_info", "What runs.", 1, build()),
          ...ofProcess(),
        ].join(""),
      )
      .type("text/plain; version=0.0.4"),
};

/** The usual metrics of a process, under their usual names. */
function ofProcess(): string[] {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const started = Date.now() / 1000 - process.uptime();
  return [
    metric("counter", "process_cpu_seconds_total", "CPU time spent.", (user + system) / 1e6),
    metric("gauge", "process_start_time_seconds", "When it started, since 1970.", started),
    metric("gauge", "process_resident_memory_bytes", "Memory in use.", rss),
    metric("gauge", "nodejs_heap_size_used_bytes", "Heap in use.", heapUsed),
    metric("gauge", "nodejs_heap_size_total_bytes", "Heap set aside.", heapTotal),
    metric(
      "gauge",
      "nodejs_external_memory_bytes",
      "Memory of V8's outside of its heap.",
      external,
    ),
    metric("gauge", "nodejs_version_info", "The Node that runs it.", 1, {
      version: process.version,
    }),
  ];
}
