import { isDeepStrictEqual } from "node:util";
import test from "ava";
import { drain } from "service-kit/lifecycle";
import { parseMetrics } from "service-kit/tests/metrics";
import { service, valid } from "../tests/helpers.ts";
import { caller, sign, signer } from "../tests/signer.ts";
import { fingerprint } from "./idempotency.ts";

/** A service, and a way to read its metrics. */
async function scraped(env: NodeJS.ProcessEnv = {}) {
  const running = await service(env);
  const scrape = async () => parseMetrics((await running.server.inject("/metrics")).payload);
  return { ...running, scrape };
}

test("the content type says which format", async (t) => {
  const { server } = await service();
  const { statusCode, headers } = await server.inject("/metrics");
  t.is(statusCode, 200);
  t.is(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
});

test("requests are counted by method, route and status", async (t) => {
  const { server, charge, scrape } = await scraped();
  await charge(valid);
  await charge(valid);
  await charge({});
  await server.inject("/health?a=1");
  await server.inject("/some/where");
  await server.inject({ method: "DELETE", url: "/else/where" });
  await server.inject("*");
  const { http_requests_total } = await scrape();
  t.is(http_requests_total?.type, "counter");
  const all = http_requests_total?.data.map(({ labels, value }) => [
    ...Object.values(labels ?? {}),
    value,
  ]);
  const counted = all?.filter((series) => series.at(-1) !== 0);
  t.deepEqual(counted, [
    ["GET", "/health", "200", 1],
    ["POST", "/api/v1/charge", "200", 2],
    ["POST", "/api/v1/charge", "400", 1],
    ["GET", "unknown", "404", 1],
    ["DELETE", "unknown", "404", 1],
    ["GET", "unknown", "400", 1],
  ]);
});

test("what a rate is taken of is known before the first charge", async (t) => {
  const { http_requests_total, http_request_duration_seconds } = await (await scraped()).scrape();
  const ofCharges = { method: "POST", route: "/api/v1/charge" };
  for (const status of ["200", "500", "503"]) {
    const series = { labels: { ...ofCharges, status }, value: 0 };
    t.true(
      http_requests_total?.data.some((one) => isDeepStrictEqual({ ...one }, series)),
      status,
    );
  }
  const durations = http_request_duration_seconds?.data.map(({ labels }) => labels as unknown);
  t.true(durations?.some((labels) => isDeepStrictEqual(labels, ofCharges)));
});

test("durations are counted in seconds", async (t) => {
  const { charge, scrape } = await scraped({ FAULT_LATENCY_MS: "60" });
  await charge(valid);
  const { http_request_duration_seconds } = await scrape();
  t.is(http_request_duration_seconds?.type, "histogram");
  const [series, ...others] =
    http_request_duration_seconds?.data.filter(({ count }) => Number(count) > 0) ?? [];
  t.deepEqual(others, []);
  t.like(series, { labels: { method: "POST", route: "/api/v1/charge" }, count: 1 });
  t.like(series?.buckets, { "0.05": 0, "+Inf": 1 });
  t.true((series?.sum ?? 0) >= 0.059, String(series?.sum));
});

test("charges are counted by result and currency, from zero", async (t) => {
  const { charge, scrape, server } = await scraped();
  const counted = async () => {
    const { payment_charges_total } = await scrape();
    t.is(payment_charges_total?.type, "counter");
    return (payment_charges_total?.data ?? []).map(({ labels, value }) => [
      labels?.currency,
      labels?.result,
      value,
    ]);
  };
  const zero = ["EUR", "USD", "DKK", "SEK", "GBP", "unknown"].flatMap((currency) => [
    [currency, "accepted", 0],
    [currency, "refused", 0],
  ]);
  t.deepEqual(await counted(), zero);
  await charge({});
  t.deepEqual(await counted(), zero);

  server.app.config.ACCEPTANCE_SHARE = 1;
  await charge(valid);
  await charge({ ...valid, currency: "SEK" });
  await charge({ ...valid, currency: {} });
  server.app.config.ACCEPTANCE_SHARE = 0;
  await charge({ ...valid, currency: "SEK" });
  await charge({ ...valid, currency: "SEK" });
  const expected = new Map([
    ["EUR accepted", 1],
    ["SEK accepted", 1],
    ["unknown accepted", 1],
    ["SEK refused", 2],
  ]);
  t.deepEqual(
    await counted(),
    zero.map(([currency, result]) => [
      currency,
      result,
      expected.get(`${currency} ${result}`) ?? 0,
    ]),
  );
});

test("how many charges are to be accepted is counted, by the shares that decide them", async (t) => {
  const { scrape, charge, server } = await scraped({ ACCEPTANCE_SHARE: "0.2" });
  const counted = async () => {
    const { payment_charges_expected_total, payment_charges_variance_total } = await scrape();
    const sums = [payment_charges_expected_total, payment_charges_variance_total];
    return sums.map((metric) => Number(metric?.data[0]?.value?.toFixed(6)));
  };
  t.deepEqual(await counted(), [0, 0]);
  await charge(valid);
  await charge({});
  t.deepEqual(await counted(), [0.2, 0.16]);
  const key = `"x.share-0.5.sha256-${fingerprint(valid)}"`;
  await charge(valid, { "idempotency-key": key });
  t.deepEqual(await counted(), [0.7, 0.41]);
  server.app.config.ACCEPTANCE_SHARE = 1;
  await charge(valid);
  t.deepEqual(await counted(), [1.7, 0.41]);
});

test("the share of charges to accept shows", async (t) => {
  const { scrape } = await scraped({ ACCEPTANCE_SHARE: "0.25" });
  t.is((await scrape()).payment_acceptance_share?.data[0]?.value, 0.25);
});

test("callers that are not let in are counted by reason, from zero", async (t) => {
  const { scrape, charge } = await scraped({
    ...{ ...caller, CALLER_JWKS_URL: "http://127.0.0.1:9/jwks", CALLER: undefined },
  });
  const counted = async () =>
    (await scrape()).payment_callers_refused_total?.data.map(({ labels, value }) => [
      labels?.reason,
      value,
    ]);
  const count = (token: number, keys: number) => [
    ["token", token],
    ["keys", keys],
  ];
  t.deepEqual(await counted(), count(0, 0));
  t.is((await charge(valid)).statusCode, 401);
  t.deepEqual(await counted(), count(1, 0));
  t.is((await charge(valid, { authorization: "Bearer opaque" })).statusCode, 401);
  t.deepEqual(await counted(), count(2, 0));
  const authorization = `Bearer ${await sign(await signer("RS256", "rsa"))}`;
  t.is((await charge(valid, { authorization })).statusCode, 503);
  t.deepEqual(await counted(), count(2, 1));
});

test("synthetic charges are counted apart, whatever is answered, and the log shows them", async (t) => {
  const { charge, scrape, lines, server } = await scraped();
  const synthetic = { synthetic: "true" };
  const customers = async () => {
    const metrics = await scrape();
    const ofRoute = ({ labels }: { labels?: { route?: string } }) =>
      labels?.route === "/api/v1/charge";
    return [
      metrics.http_requests_total?.data.filter(ofRoute),
      metrics.http_request_duration_seconds?.data.filter(ofRoute),
      metrics.payment_charges_total,
      metrics.payment_charges_expected_total,
      metrics.payment_charges_variance_total,
      metrics.payment_callers_refused_total,
    ];
  };
  const before = await customers();
  const statuses = [];
  for (const [payload, env] of [
    [valid, {}],
    [{}, {}],
    [valid, { FAULT_ERROR_SHARE: 1 }],
    [valid, { verify: () => Promise.reject(new Error("no keys")) }],
  ] as const) {
    Object.assign(server.app.config, env);
    Object.assign(server.app, env);
    const headers = { ...synthetic, authorization: "Bearer x" };
    const { statusCode } = await charge(payload, headers);
    statuses.push(statusCode);
    t.like(JSON.parse(lines.at(-1) ?? ""), { status: statusCode, synthetic: true });
  }
  t.is((await charge(valid, synthetic)).statusCode, 401);
  t.deepEqual(statuses, [200, 400, 503, 503]);
  t.deepEqual(await customers(), before);
  const { http_requests_total } = await scrape();
  const apart = http_requests_total?.data.filter(
    ({ labels }) => (labels as { route?: string }).route === "/api/v1/charge (synthetic)",
  );
  t.deepEqual(
    apart?.map(({ labels, value }) => [(labels as { status?: string }).status, value]),
    [
      ["200", 1],
      ["400", 1],
      ["503", 2],
      ["401", 1],
    ],
  );

  Object.assign(server.app.config, { FAULT_ERROR_SHARE: 0 });
  server.app.verify = undefined;
  t.is((await charge(valid, { synthetic: "yes" })).statusCode, 400, "nothing else is a mark");
  await charge(valid);
  t.false("synthetic" in JSON.parse(lines.at(-1) ?? ""));
  const after = await customers();
  for (const [index, metric] of after.slice(0, 5).entries()) t.notDeepEqual(metric, before[index]);
});

test("a synthetic charge gets the answer of a customer's", async (t) => {
  const { charge } = await service();
  for (let key = 0; key < 50; key++) {
    const headers = { "idempotency-key": `"${key}"` };
    const { payload } = await charge(valid, headers);
    t.is((await charge(valid, { ...headers, synthetic: "true" })).payload, payload);
  }
});

test("servers count apart", async (t) => {
  const [one, other] = [await scraped(), await scraped()];
  await one.charge(valid);
  const counted = async ({ scrape }: typeof one) =>
    (await scrape()).http_requests_total?.data.filter(({ value }) => value !== 0).length;
  t.is(await counted(one), 1);
  t.is(await counted(other), 0);
});

test("draining shows", async (t) => {
  const { server, scrape } = await scraped({ DRAIN_SECONDS: "0" });
  t.is((await scrape()).service_draining?.data[0]?.value, 0);
  const drained = drain(server);
  t.is((await scrape()).service_draining?.data[0]?.value, 1);
  await drained;
});

test("what runs shows", async (t) => {
  const { service_build_info, nodejs_version_info } = await (await scraped()).scrape();
  t.deepEqual(service_build_info?.data, [
    { value: 1, labels: { version: "1.0.0", commit: "unknown" } },
  ]);
  t.deepEqual(nodejs_version_info?.data, [{ value: 1, labels: { version: process.version } }]);
});

const ofProcess: [name: string, type: string, from: () => number, to: () => number][] = [
  ["process_cpu_seconds_total", "counter", () => 0.01, () => 1e4],
  ["process_start_time_seconds", "gauge", () => Date.now() / 1e3 - 1e4, () => Date.now() / 1e3],
  ["process_resident_memory_bytes", "gauge", () => 1e7, () => 1e10],
  ["nodejs_heap_size_used_bytes", "gauge", () => 1e6, () => 1e10],
  ["nodejs_heap_size_total_bytes", "gauge", () => 1e6, () => 1e10],
  ["nodejs_external_memory_bytes", "gauge", () => 1e3, () => 1e10],
];
for (const [name, type, from, to] of ofProcess) {
  test(`${name} is in its unit`, async (t) => {
    const found = (await (await scraped()).scrape())[name];
    t.is(found?.type, type);
    const value = Number(found?.data[0]?.value);
    t.true(value >= from() && value <= to(), String(value));
  });
}
