import test from "ava";
import { service, valid } from "../tests/helpers.ts";

const url = "/api/v1/charge";

test("answers a boolean, about half of them true", async (t) => {
  const { charge } = await service();
  const charges = 2000;
  let accepted = 0;
  for (let i = 0; i < charges; i++) {
    const { statusCode, headers, result } = await charge(valid);
    t.is(statusCode, 200);
    t.is(headers["content-type"], "application/json; charset=utf-8");
    t.is(typeof (result as { result: boolean }).result, "boolean");
    accepted += Number((result as { result: boolean }).result);
  }
  // Six standard deviations: a fair coin falls outside once in 500 million runs.
  t.true(
    Math.abs(accepted - charges / 2) <= 6 * Math.sqrt(charges / 4),
    `${accepted} of ${charges}`,
  );
});

for (const [share, result] of [
  ["1", true],
  ["0", false],
] as const) {
  test(`ACCEPTANCE_SHARE=${share} answers ${result} only`, async (t) => {
    const { charge } = await service({ ACCEPTANCE_SHARE: share });
    for (let i = 0; i < 50; i++) t.deepEqual((await charge(valid)).result, { result });
  });
}

const types: [contentType: string, statusCode: number][] = [
  ["application/json", 200],
  ["application/json; charset=utf-8", 200],
  ["application/x-www-form-urlencoded", 415],
  ["application/problem+json", 415],
  ["multipart/form-data; boundary=x", 415],
  ["text/plain", 415],
];
for (const [contentType, statusCode] of types) {
  test(`Content-Type ${contentType}: ${statusCode}`, async (t) => {
    const { charge } = await service();
    t.is((await charge(valid, { "content-type": contentType })).statusCode, statusCode);
  });
}

const accepted: [what: string, payload: unknown][] = [
  ["a long decimal", '{"currency":"EUR","value":374.72349876543211,"customer_id":1}'],
  ["a small value", { ...valid, value: 1e-9 }],
  ["the largest value", { ...valid, value: 1e9 }],
  ...["EUR", "USD", "DKK", "SEK", "GBP"].map((currency): [string, unknown] => [
    currency,
    { ...valid, currency },
  ]),
  ["an empty object for a currency", { ...valid, currency: {} }],
];
for (const [what, payload] of accepted) {
  test(`takes ${what}`, async (t) => {
    const { charge } = await service();
    t.is((await charge(payload)).statusCode, 200);
  });
}

const fiveCurrencies = /^"currency" must be one of \[EUR, USD, DKK, SEK, GBP\]$/;

const refused: [what: string, payload: unknown, detail: RegExp][] = [
  ["an empty body", "", /object/],
  ["broken JSON", '{"currency":', /JSON/],
  ["null", "null", /object/],
  ["a list", "[]", /object/],
  ["a prototype", '{"currency":"EUR","value":1,"customer_id":1,"__proto__":{}}', /JSON/],
  ["an unknown currency", { ...valid, currency: "CHF" }, /"currency" must be one of \[EUR/],
  [
    "an unknown currency that says so",
    { ...valid, currency: "unknown" },
    /"currency" must be one of \[EUR/,
  ],
  ["an object of a currency", { ...valid, currency: { a: 1 } }, fiveCurrencies],
  ["a list of no currency", { ...valid, currency: [] }, fiveCurrencies],
  ["null for a currency", { ...valid, currency: null }, fiveCurrencies],
  ["a currency that is none", { ...valid, currency: "XXX" }, fiveCurrencies],
  ["a number for a currency", { ...valid, currency: 978 }, fiveCurrencies],
  ["an empty currency", { ...valid, currency: "" }, fiveCurrencies],
  ["a currency in lower case", { ...valid, currency: "eur" }, /"currency"/],
  ["no currency", { value: 1, customer_id: 1 }, /"currency" is required/],
  ["a negative value", { ...valid, value: -1 }, /"value" must be a positive/],
  ["zero", { ...valid, value: 0 }, /"value" must be a positive/],
  ["an absurd value", { ...valid, value: 1e12 }, /"value" must be less/],
  ["infinity", '{"currency":"EUR","value":1e400,"customer_id":1}', /"value"/],
  ["a number as text", { ...valid, value: "1.5" }, /"value" must be a number/],
  ["half a customer", { ...valid, customer_id: 1.5 }, /"customer_id" must be an integer/],
  ["a negative customer", { ...valid, customer_id: -1 }, /"customer_id" must be a positive/],
  ["an unknown field", { ...valid, card: "4111" }, /"card" is not allowed/],
  ["all of it at once", {}, /"currency".*"value".*"customer_id"/],
];
for (const [what, payload, detail] of refused) {
  test(`refuses ${what} and says why`, async (t) => {
    const { charge } = await service();
    const { statusCode, headers, result } = await charge(payload);
    t.is(statusCode, 400);
    t.is(headers["content-type"], "application/problem+json");
    t.regex((result as { detail: string }).detail, detail);
    t.false("result" in (result as object), "clients take the field `result` for an answer");
  });
}

test("refuses a body over 1 KiB", async (t) => {
  const { charge } = await service();
  const { statusCode, result } = await charge(`{"currency":"${"x".repeat(1024)}"}`);
  t.is(statusCode, 413);
  t.regex((result as { detail: string }).detail, /1024/);
});

for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]) {
  test(`${method} is not allowed, and told what is`, async (t) => {
    const { server } = await service();
    const { statusCode, headers, payload } = await server.inject({ method, url });
    t.is(statusCode, 405);
    t.is(headers.allow, "POST");
    const problem = {
      title: "Method Not Allowed",
      status: 405,
      detail: `${method} is none of POST`,
    };
    if (method !== "HEAD") t.deepEqual(JSON.parse(payload), problem);
  });
}

test("other paths take GET and HEAD, and are not found if there are none", async (t) => {
  const { server } = await service();
  const post = async (url: string) => {
    const { statusCode, headers } = await server.inject({ method: "POST", url });
    return [statusCode, headers.allow];
  };
  t.deepEqual(await post("/health"), [405, "GET, HEAD"]);
  t.deepEqual(await post("/healthy"), [404, undefined]);
  t.is((await server.inject({ method: "HEAD", url: "/health" })).statusCode, 200);
});

test("logs one line per charge, without the customer or the amount", async (t) => {
  const { server, charge, lines } = await service({ ACCEPTANCE_SHARE: "1" });
  await charge(valid);
  await charge({});
  for (const probe of ["/health", "/ready", "/metrics"]) await server.inject(probe);
  await server.inject("/nowhere");
  server.app.config.FAULT_ERROR_SHARE = 1;
  await charge(valid);
  const [first, second, third, fourth, ...rest] = lines.map((line) => JSON.parse(line));
  t.deepEqual(rest, []);
  t.like(first, { level: "info", message: "request", method: "post", path: url, status: 200 });
  t.true(first.result);
  t.true(first.milliseconds > 0 && first.milliseconds < 5000);
  t.true(Math.abs(Date.parse(first.time) - Date.now()) < 5000);
  t.like(second, { level: "warn", path: url, status: 400 });
  t.like(third, { level: "warn", method: "get", path: "/nowhere", status: 404 });
  t.like(fourth, { level: "error", path: url, status: 503 });
  t.notRegex(lines.join(), /customer|value|374\.7|EUR/);
});
