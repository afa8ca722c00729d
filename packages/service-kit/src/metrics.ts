/// <reference path="./prometheus-parts.d.ts" />
import type { Server, ServerRoute } from "@hapi/hapi";
// By its parts: the whole client takes 50 ms at every start, and a startup snapshot cannot hold it.
import Counter from "@prometheus-io/client/lib/counter.js";
import Gauge from "@prometheus-io/client/lib/gauge.js";
import Histogram from "@prometheus-io/client/lib/histogram.js";
import Registry from "@prometheus-io/client/lib/registry.js";

export { Counter, Gauge, Histogram, Registry };

/** Counts a request: its duration is from its arrival to the end of its answer, in seconds. */
export type CountRequest = (method: string, route: string, status: number, seconds: number) => void;

/**
 * What a server counts of its requests.
 * @param buckets the largest duration in each, in seconds
 */
export function requestCounter(
  server: Server,
  registry: Registry,
  buckets: number[],
): CountRequest {
  const total = new Counter({
    name: "http_requests_total",
    help: "Requests answered.",
    labelNames: ["method", "route", "status"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "From the arrival of a request to the end of its answer.",
    labelNames: ["method", "route"],
    buckets,
    registers: [registry],
  });
  // Known from the start: of a counter that is first seen at a hundred, a rate knows none of them.
  server.ext("onPreStart", () => {
    for (const { method, path: route } of server.table()) {
      const labels = { method: method.toUpperCase(), route };
      for (const status of ["200", "500", "503"]) total.inc({ ...labels, status }, 0);
      durations.zero(labels);
    }
  });
  return (method, route, status, seconds) => {
    total.inc({ method, route, status: String(status) });
    durations.observe({ method, route }, seconds);
  };
}

/** Adds a gauge that is read at each scrape. */
export const gauge = (registry: Registry, name: string, help: string, value: () => number) =>
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });

/** @returns what every server measures of itself */
export function createRegistry(server: Server, build: Record<string, string>): Registry {
  const registry = new Registry();
  const info = (name: string, help: string, labels: Record<string, string>) =>
    new Gauge({ name, help, labelNames: Object.keys(labels), registers: [registry] }).set(
      labels,
      1,
    );
  info("service_build_info", "What runs.", build);
  info("nodejs_version_info", "The Node that runs it.", { version: process.version });

  gauge(registry, "service_draining", "1 while it drains.", () => Number(server.app.draining));
  // Once: what is reckoned anew at each scrape differs a little, as if the process had started again.
  const started = Date.now() / 1000 - process.uptime();
  gauge(registry, "process_start_time_seconds", "When it started, since 1970.", () => started);
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
  for (const [name, help, part] of [
    ["process_resident_memory_bytes", "Memory in use.", "rss"],
    ["nodejs_heap_size_used_bytes", "Heap in use.", "heapUsed"],
    ["nodejs_heap_size_total_bytes", "Heap set aside.", "heapTotal"],
    ["nodejs_external_memory_bytes", "Memory outside of V8's heap.", "external"],
  ] as const)
    gauge(registry, name, help, () => process.memoryUsage()[part]);
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
