import test from "ava";
import { paymentThat, service } from "../tests/helpers.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

test("the log, the answer and payment are told which trace and span", async (t) => {
  const sent: (string | undefined)[] = [];
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, ({ headers }, response) => {
    sent.push(headers.traceparent as string);
    response.end('{"result":false}');
  });
  const { server, logged } = await service({ PAYMENT_PROVIDER_ENDPOINT });
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
    t.deepEqual(sent, Array(10).fill(headers.traceresponse));
  }
  const { headers } = await server.inject("*");
  t.regex(String(headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, "not even a URL");
});
