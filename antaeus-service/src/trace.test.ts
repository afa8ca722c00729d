import test from "ava";
import { paymentThat, service } from "../tests/helpers.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

test("the log, the answer and payment are told which trace and span, a new one for each attempt", async (t) => {
  const sent: (string | undefined)[] = [];
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, ({ headers }, response) => {
    sent.push(headers.traceparent as string);
    response.statusCode = sent.length % 2 ? 503 : 200;
    response.end('{"result":false}');
  });
  const { server, logged } = await service({
    PAYMENT_PROVIDER_ENDPOINT,
    CHARGE_CONCURRENCY: "1",
  });
  for (const flags of ["01", "00"]) {
    sent.length = 0;
    const { headers } = await server.inject({
      method: "POST",
      url: "/rest/v1/invoices/pay",
      headers: { traceparent: `00-${traceId}-${parent}-${flags}` },
    });
    const [run, request] = logged().slice(-2);
    t.like(run, { message: "pay run", trace_id: traceId, span_id: request?.span_id });
    t.like(request, { message: "request", trace_id: traceId });
    t.is(headers.traceresponse, `00-${traceId}-${request?.span_id}-${flags}`);
    const spans = sent.map((one) => /^00-(\w+)-(\w+)-(\w+)$/.exec(one ?? "")?.slice(1) ?? []);
    t.true(spans.every(([trace, , flag]) => trace === traceId && flag === flags));
    t.is(new Set([request?.span_id, ...spans.map(([, span]) => span)]).size, 21, "each its own");
  }
  const { headers } = await server.inject("*");
  t.regex(String(headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, "not even a URL");
});
