import test from "ava";
import { Counter, Histogram, metric } from "./prometheus.ts";
import { parseMetrics } from "./testing.ts";

test("a counter counts each set of labels apart", async (t) => {
  const counter = new Counter("seen_total", "What was seen.");
  counter.add({ what: "a" });
  counter.add({ what: "a" });
  counter.add({ what: "b" }, 5);
  counter.add({ what: "c" }, 0);
  t.deepEqual(await parseMetrics(String(counter)), {
    seen_total: {
      type: "counter",
      help: "What was seen.",
      data: [
        { labels: { what: "a" }, value: 2 },
        { labels: { what: "b" }, value: 5 },
        { labels: { what: "c" }, value: 0 },
      ],
    },
  });
});

test("a histogram counts what is not above each bound", async (t) => {
  const histogram = new Histogram("took_seconds", "How long it took.", [0.1, 1]);
  for (const value of [0.0625, 0.1, 0.5, 7]) histogram.observe({ what: "a" }, value);
  histogram.observe({ what: "b" }, 1);
  t.deepEqual(await parseMetrics(String(histogram)), {
    took_seconds: {
      type: "histogram",
      help: "How long it took.",
      data: [
        {
          labels: { what: "a" },
          buckets: { "0.1": 2, "1": 3, "+Inf": 4 },
          sum: 7.6625,
          count: 4,
        },
        { labels: { what: "b" }, buckets: { "0.1": 0, "1": 1, "+Inf": 1 }, sum: 1, count: 1 },
      ],
    },
  });
});

test("a histogram may have no labels", async (t) => {
  const histogram = new Histogram("took_seconds", "How long it took.", [1]);
  histogram.observe({}, 2);
  t.deepEqual((await parseMetrics(String(histogram))).took_seconds?.data, [
    { labels: {}, buckets: { "1": 0, "+Inf": 1 }, sum: 2, count: 1 },
  ] as never);
});

test("values may have labels, or none", async (t) => {
  const text =
    metric("gauge", "one", "One.", [1.5]) +
    metric("counter", "two", "Two.", [2, { a: "b" }], [3, { a: "c" }]);
  t.deepEqual(await parseMetrics(text), {
    one: { type: "gauge", help: "One.", data: [{ labels: {}, value: 1.5 }] },
    two: {
      type: "counter",
      help: "Two.",
      data: [
        { labels: { a: "b" }, value: 2 },
        { labels: { a: "c" }, value: 3 },
      ],
    },
  });
});

test("labels are escaped", async (t) => {
  const value = 'a "quoted" \\ back\nslash';
  const text = metric("gauge", "it", "It.", [1, { value }]);
  t.is(text, '# HELP it It.\n# TYPE it gauge\nit{value="a \\"quoted\\" \\\\ back\\nslash"} 1\n');
  t.deepEqual((await parseMetrics(text)).it?.data[0]?.labels, { value });
});
