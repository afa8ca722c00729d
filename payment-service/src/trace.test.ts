import test from "ava";
import { service, valid } from "../tests/helpers.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

test("the log and the answer say which trace and span", async (t) => {
  const { server, charge, lines } = await service();
  for (const [flags, payload, statusCode] of [
    ["01", valid, 200],
    ["00", {}, 400],
  ] as const) {
    const traceparent = `00-${traceId}-${parent}-${flags}`;
    const answer = await charge(payload, { traceparent });
    t.is(answer.statusCode, statusCode);
    const { trace_id, span_id } = JSON.parse(lines.at(-1) ?? "");
    t.is(trace_id, traceId);
    t.is(answer.headers.traceresponse, `00-${traceId}-${span_id}-${flags}`);
  }
  const { headers } = await server.inject("*");
  t.regex(String(headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, "not even a URL");
});
