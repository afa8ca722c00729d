/// <reference path="./prometheus-parts.d.ts" />
import type { Server, ServerRoute } from "@hapi/hapi";
// By its parts: the whole client takes 50 ms at every start, and a startup snapshot cannot hold it.
import Counter from "@prometheus-io/client/lib/counter.js";
import Gauge from "@prometheus-io/client/lib/gauge.js";
import Histogram from "@prometheus-io/client/lib/histogram.js";
import Registry from "@prometheus-io/client/lib/registry.js";
import type { BuildInfo } from "./build-info.ts";

export { Counter, Gauge, Histogram, Registry };

/** What a server counts of its requests. */
export class RequestMetrics {
  readonly #total: Counter<"method" | "path" | "status">;
  readonly #durations: Histogram<"method" | "path">;

  constructor(registry: Registry, buckets: number[]) {
    const registers = [registry];
    this.#total = new Counter({
      name: "http_requests_total",
      help: "Requests answered.",
      labelNames: ["method", "path", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "http_request_duration_seconds",
      help: "From the arrival of a request to the end of its answer.",
      labelNames: ["method", "path"],
      buckets,
      registers,
    });
  }

  /**
   * @param path of the route, never what was asked for: whoever asks could make labels without end
   * @param seconds from its arrival to the end of its answer
   */
  observe(method: string, path: string, status: number, seconds: number): void {
    this.#total.inc({ method, path, status: String(status) });
    this.#durations.observe({ method, path }, seconds);
  }
}

/** @param service begins the names of metrics that are the service's @returns what every server measures of itself */
export function registryOf(server: Server, service: string, build: BuildInfo): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  const info = (name: string, help: string, labels: Record<string, string>) =>
    new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] }).set(
      labels,
      1,
    );

  const prefix = service.replaceAll("-", "_");
  gauge(`${prefix}_draining`, "1 while it drains.", () => Number(server.app.draining));
  info(`${prefix}_build_info`, "What runs.", { ...build });
  info("nodejs_version_info", "The Node that runs it.", { version: process.version });

  const started = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "When it started, since 1970.", () => started);
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time spent.",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const memory = process.memoryUsage;
  gauge("process_resident_memory_bytes", "Memory in use.", () => memory().rss);
  gauge("nodejs_heap_size_used_bytes", "Heap in use.", () => memory().heapUsed);
  gauge("nodejs_heap_size_total_bytes", "Heap set aside.", () => memory().heapTotal);
  gauge("nodejs_external_memory_bytes", "Memory outside of V8's heap.", () => memory().external);
  return registry;
}

/** GET /metrics, for Prometheus. */
export const metrics: ServerRoute = {
  method: "GET",
  path: "/metrics",
  async handler({ server: { app } }, h) {
    return h.response(await app.registry.metrics()).type("text/plain; version=0.0.4");
  },
};
