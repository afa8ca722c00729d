// A stand-in of the challenge's own Antaeus: the API that a person calls, and the pay run that calls payment.
// tests/e2e/published-original.test.ts makes an image of it.
import { createServer } from "node:http";
import { Client, type Invoice, payRun } from "../../payment-service/tests/published-original.ts";

const { PAYMENT_PROVIDER_ENDPOINT = "", JAVA_TOOL_OPTIONS = "" } = process.env;
const endpoint = new URL(PAYMENT_PROVIDER_ENDPOINT);
const retryPost = !JAVA_TOOL_OPTIONS.includes("-Dsun.net.http.retryPost=false");

/** Two customers with five invoices each, the first of which is PAID: made anew at each start. */
const invoices = Array.from({ length: 10 }, (_, index) => ({
  id: index + 1,
  customerId: index < 5 ? 1 : 2,
  amount: {
    value: Math.round((10 + Math.random() * 490) * 100) / 100,
    currency: index < 5 ? "USD" : "DKK",
  },
  status: index % 5 === 0 ? "PAID" : "PENDING",
}));

async function pay(): Promise<boolean> {
  const client = new Client(endpoint.hostname, Number(endpoint.port), retryPost);
  const pending = invoices
    .filter(({ status }) => status === "PENDING")
    .map(({ id, customerId, amount }): Invoice => ({ id, customerId, value: amount.value }));
  try {
    const { paid, all } = await payRun(client, pending);
    for (const invoice of invoices) if (paid.includes(invoice.id)) invoice.status = "PAID";
    return all;
  } finally {
    client.close();
  }
}

const answers: Record<string, () => unknown> = {
  "GET /rest/health": () => "ok",
  "GET /rest/v1/invoices": () => invoices,
  "POST /rest/v1/invoices/pay": pay,
};

createServer(async ({ method, url }, response) => {
  const answer = answers[`${method} ${url}`];
  const [status, body] = answer
    ? await Promise.resolve()
        .then(answer)
        .then(
          (value) => [200, value] as const,
          (error: Error) => [500, error.message] as const,
        )
    : [404, "not found"];
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}).listen(8000);
