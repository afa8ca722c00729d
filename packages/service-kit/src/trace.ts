import { randomBytes } from "node:crypto";

/** One request's place in a trace, as W3C Trace Context has it: lower-case hex. */
export interface Trace {
  traceId: string;
  spanId: string;
  /** Whether those who called want the trace recorded. */
  sampled: boolean;
}

const pattern =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;

/**
 * A span of its own for a request, in the trace that its `traceparent` names. Without one, or with
 * one that is invalid, it starts a trace, which nobody records: that is for whoever has a tracer to say.
 */
export function traced(traceparent: string | undefined): Trace {
  const [, version, traceId, flags = "", more] = pattern.exec(traceparent ?? "") ?? [];
  // Versions to come may say more than the first does.
  if (traceId === undefined || (version === "00" && more !== undefined)) {
    // One call: asking for random bytes is a twentieth of a request's time.
    const hex = randomHex(24);
    return { traceId: hex.slice(0, 32), spanId: hex.slice(32), sampled: false };
  }
  return { traceId, spanId: randomHex(8), sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

const randomHex = (bytes: number) => randomBytes(bytes).toString("hex");

/** A span of its own for what is asked of another service. */
export const child = (trace: Trace): Trace => ({ ...trace, spanId: randomHex(8) });

/** Names the trace and span: as `traceparent` to those who are called, as `traceresponse` to the caller. */
export function traceparent({ traceId, spanId, sampled }: Trace): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
