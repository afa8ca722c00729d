import test from "ava";
import { child, traced, traceparent } from "./trace.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

test("goes on with the caller's trace, in a span of its own", (t) => {
  for (const [flags, sampled] of [
    ["00", false],
    ["01", true],
    ["02", false],
    ["03", true],
  ] as const) {
    const trace = traced(`00-${traceId}-${parent}-${flags}`);
    t.like(trace, { traceId, sampled });
    t.regex(trace.spanId, /^[0-9a-f]{16}$/);
    t.not(trace.spanId, parent);
  }
});

test("takes ids that begin with zeros", (t) => {
  t.is(traced(`00-0${traceId.slice(1)}-00f067aa0ba902b7-01`).traceId, `0${traceId.slice(1)}`);
});

test("takes what a version to come adds", (t) => {
  t.is(traced(`01-${traceId}-${parent}-01-more`).traceId, traceId);
  t.is(traced(`fe-${traceId}-${parent}-01`).traceId, traceId);
});

for (const header of [
  undefined,
  "",
  "nonsense",
  `ff-${traceId}-${parent}-01`,
  `0-${traceId}-${parent}-01`,
  `00-${"0".repeat(32)}-${parent}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${parent}-01`,
  `00-${traceId}0-${parent}-01`,
  `00-${traceId}-${parent}-1`,
  `00-${traceId}-${parent}-0g`,
  `00-${traceId}-${parent}-01-more`,
  `01-${traceId}-${parent}-01more`,
  ` 00-${traceId}-${parent}-01`,
  `00-${traceId}-${parent}-01, 00-${traceId}-${parent}-01`,
]) {
  test(`starts a trace where the caller's is ${header}`, (t) => {
    const [one, other] = [traced(header), traced(header)];
    t.regex(one.traceId, /^[0-9a-f]{32}$/);
    t.regex(one.spanId, /^[0-9a-f]{16}$/);
    t.false(one.sampled);
    t.not(one.traceId, traceId);
    t.not(one.traceId, other.traceId);
    t.not(one.spanId, other.spanId);
  });
}

test("a call is a span of its own in the same trace", (t) => {
  const trace = traced(`00-${traceId}-${parent}-01`);
  const [one, other] = [child(trace), child(trace)];
  t.like(one, { traceId, sampled: true });
  t.regex(one.spanId, /^[0-9a-f]{16}$/);
  t.is(new Set([trace.spanId, one.spanId, other.spanId]).size, 3);
});

test("a trace is passed on as it is recorded, or not", (t) => {
  for (const flags of ["00", "01"]) {
    const header = `00-${traceId}-${parent}-${flags}`;
    const trace = traced(header);
    t.is(traceparent({ ...trace, spanId: parent }), header);
  }
});
