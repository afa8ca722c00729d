import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { paymentThat, trace } from "../tests/helpers.ts";
import type { PendingInvoice } from "./database.ts";
import {
  createPaymentClient,
  createTermsClient,
  PaymentUnavailable,
  TokenMissing,
} from "./payment.ts";

const invoice: PendingInvoice = {
  id: 1,
  customerId: 7,
  amount: { value: 374.7234987654321, currency: "SEK" },
  status: "PENDING",
  chargeKey: "8e03978e-40d5",
};

test("sends the charge as the contract has it, with its key", async (t) => {
  t.plan(5);
  const endpoint = await paymentThat(t, async (request, response) => {
    t.is(`${request.method} ${request.url}`, "POST /api/v1/charge");
    t.is(request.headers["content-type"], "application/json");
    t.is(request.headers["idempotency-key"], '"8e03978e-40d5"');
    t.deepEqual(await json(request), { currency: "SEK", value: 374.7234987654321, customer_id: 7 });
    response.end('{"result":true}');
  });
  t.true(await createPaymentClient(endpoint, 30_000)(invoice, trace));
});

test("a refusal is an answer", async (t) => {
  const endpoint = await paymentThat(t, (_request, response) => response.end('{"result":false}'));
  t.false(await createPaymentClient(endpoint, 30_000)(invoice, trace));
});

const nonsense: [status: number, body: string][] = [
  [200, '{"result":"true"}'],
  [200, '{"result":1}'],
  [200, "{}"],
  [200, "null"],
  [200, "true"],
  [200, ""],
  [200, "<html>"],
  [200, '{"result":true}{"result":true}'],
  [200, '[{"result":true}]'],
  [408, '{"result":true}'],
  [425, ""],
  [429, '{"title":"Too Many Requests"}'],
  [500, '{"result":true}'],
  [503, "{}"],
];
for (const [status, body] of nonsense) {
  test(`${status} ${body || "with nothing"} is no answer`, async (t) => {
    const endpoint = await paymentThat(t, (_request, response) => {
      response.writeHead(status).end(body);
    });
    const message = `payment answered ${status} ${JSON.stringify(body)}`;
    await t.throwsAsync(createPaymentClient(endpoint, 30_000)(invoice, trace), {
      instanceOf: PaymentUnavailable,
      message,
    });
  });
}

for (const status of [400, 401, 403, 404, 415, 422, 499]) {
  test(`${status} says that this request was not taken`, async (t) => {
    const endpoint = await paymentThat(t, (_request, response) => {
      response.writeHead(status).end('{"result":true}');
    });
    const error = await t.throwsAsync(createPaymentClient(endpoint, 30_000)(invoice, trace));
    t.false(error instanceof PaymentUnavailable);
    t.is(error?.message, `payment answered ${status} "{\\"result\\":true}"`);
  });
}

test("an answer without an end is none, and is not read to it", async (t) => {
  let ended = () => {};
  const cut = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const endpoint = await paymentThat(t, (_request, response) => {
    response.once("close", ended);
    const write = () => {
      while (response.write(" ".repeat(1000)));
    };
    response.on("drain", write);
    write();
  });
  const message = "the answer is too long";
  await t.throwsAsync(createPaymentClient(endpoint, 60_000)(invoice, trace), {
    instanceOf: PaymentUnavailable,
    message,
  });
  await cut;
});

test("a redirect is no answer", async (t) => {
  const endpoint = await paymentThat(t, (_request, response) => {
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  await t.throwsAsync(createPaymentClient(endpoint, 30_000)(invoice, trace));
});

test("a cut connection is no answer", async (t) => {
  const endpoint = await paymentThat(t, (request) => request.socket.destroy());
  await t.throwsAsync(createPaymentClient(endpoint, 30_000)(invoice, trace));
});

test("silence is no answer once the time is up, before or amid the body", async (t) => {
  for (const begin of ["", '{"result":']) {
    const endpoint = await paymentThat(t, (_request, response) => {
      if (begin) response.write(begin);
    });
    await t.throwsAsync(createPaymentClient(endpoint, 50)(invoice, trace), { message: /timeout/ });
  }
});

test("nobody there is no answer", async (t) => {
  await t.throwsAsync(
    createPaymentClient("http://127.0.0.1:1/api/v1/charge", 30_000)(invoice, trace),
  );
});

/** A path of its own for a token, where nothing is yet. */
const tokenFile = () => join(mkdtempSync(join(tmpdir(), "antaeus-")), "token");

/** A payment service that accepts everything, and the authorization of each request to it. */
async function accepting(t: ExecutionContext) {
  const sent: (string | undefined)[] = [];
  const endpoint = await paymentThat(t, (request, response) => {
    sent.push(request.headers.authorization);
    response.end('{"result":true}');
  });
  return { endpoint, sent };
}

test("no token is sent unless there is a file for it", async (t) => {
  const { endpoint, sent } = await accepting(t);
  t.true(await createPaymentClient(endpoint, 30_000)(invoice, trace));
  t.deepEqual(sent, [undefined]);
});

test("every charge sends the token that the file holds by then", async (t) => {
  const { endpoint, sent } = await accepting(t);
  const file = tokenFile();
  const charge = createPaymentClient(endpoint, 5000, file);
  writeFileSync(file, "first.token.in-base64_url\n");
  t.true(await charge(invoice, trace));
  t.true(await charge(invoice, trace));
  // The kubelet puts another file in its place.
  writeFileSync(`${file}.new`, "second.token.in-base64_url");
  renameSync(`${file}.new`, file);
  t.true(await charge(invoice, trace));
  t.deepEqual(sent, [
    "Bearer first.token.in-base64_url",
    "Bearer first.token.in-base64_url",
    "Bearer second.token.in-base64_url",
  ]);
});

const tokenless: [what: string, put: (file: string) => void, message: string][] = [
  ["no file", () => {}, "cannot read the token in FILE"],
  ["an empty file", (file) => writeFileSync(file, ""), "FILE holds no token"],
  ["a blank file", (file) => writeFileSync(file, " \n"), "FILE holds no token"],
  ["two lines", (file) => writeFileSync(file, "secret\nsecret\n"), "FILE holds no token"],
  ["a folder", (file) => renameSync(mkdtempSync(file), file), "cannot read the token in FILE"],
];
for (const [what, put, message] of tokenless) {
  test(`${what} for a token fails the charge, and payment is not asked`, async (t) => {
    const { endpoint, sent } = await accepting(t);
    const file = tokenFile();
    const charge = createPaymentClient(endpoint, 5000, file);
    put(file);
    const error = await t.throwsAsync(charge(invoice, trace), { instanceOf: TokenMissing });
    t.is(error?.message, message.replace("FILE", file));
    t.deepEqual(sent, []);

    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, "token");
    t.true(await charge(invoice, trace));
    t.deepEqual(sent, ["Bearer token"], "with a token it is the same charge that goes through");
  });
}

const terms = (t: ExecutionContext, status: number, body: string) =>
  paymentThat(
    t,
    () => t.fail("nothing is charged"),
    (_request, response) => response.writeHead(status).end(body),
  );

test("payment's terms are a share; an older version has none", async (t) => {
  for (const share of [0, 0.3, 1])
    t.is(
      await createTermsClient(await terms(t, 200, `{"acceptance_share":${share}}`), 30_000)(),
      share,
    );
  t.is(await createTermsClient(await terms(t, 404, "{}"), 30_000)(), undefined);
});

for (const [status, body] of [
  [200, "<html>"],
  [200, '{"acceptance_share":1.5}'],
  [200, '{"acceptance_share":-1}'],
  [200, '{"acceptance_share":"0.3"}'],
  [200, "null"],
  [503, "{}"],
] as const) {
  test(`${status} ${body} is no terms`, async (t) => {
    await t.throwsAsync(createTermsClient(await terms(t, status, body), 30_000)(), {
      instanceOf: PaymentUnavailable,
      message: `payment says no terms: ${status}`,
    });
  });
}

test("a payment that is away, or silent, says no terms", async (t) => {
  const silent = await paymentThat(
    t,
    () => {},
    () => {},
  );
  for (const endpoint of ["http://127.0.0.1:1/api/v1/charge", silent])
    await t.throwsAsync(createTermsClient(endpoint, 50)(), { instanceOf: PaymentUnavailable });
});
