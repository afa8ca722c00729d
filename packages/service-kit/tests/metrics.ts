import {
  getMetricsFromIterator,
  type PromData,
  type PromHistogramData,
  type PromMetric,
} from "prom2javascript";

/** Its type says which of the values a metric has: one, or those of a histogram. */
type Data = (PromData & PromHistogramData)[];

/** Parses Prometheus' text format. @returns the metrics by name */
export async function parseMetrics(text: string) {
  const metrics = await getMetricsFromIterator(text.trimEnd().split("\n").values());
  return metrics as Record<string, Omit<PromMetric, "data"> & { data: Data }>;
}
