import test from "ava";
import { drain } from "service-kit/lifecycle";
import { parseMetrics } from "service-kit/tests/metrics";
import { paymentThat, service } from "../tests/helpers.ts";

/** A service, and a way to read its metrics. */
async function scraped(env: NodeJS.ProcessEnv = {}) {
  const running = await service(env);
  const scrape = async () => parseMetrics((await running.server.inject("/metrics")).payload);
  /** A metric's values, each after its labels. */
  const values = async (name: string) =>
    (await scrape())[name]?.data.map(({ labels, value }) => [
      ...Object.values(labels ?? {}),
      value,
    ]);
  return { ...running, scrape, values };
}

test("the content type says which format", async (t) => {
  const { server } = await service();
  const { statusCode, headers } = await server.inject("/metrics");
  t.is(statusCode, 200);
  t.is(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
});

test("requests are counted by method, route and status", async (t) => {
  const { server, scrape, values } = await scraped();
  await server.inject("/rest/v1/invoices/1");
  await server.inject("/rest/v1/invoices/2");
  await server.inject("/rest/v1/invoices/x");
  await server.inject("/rest/health?a=1");
  await server.inject("/some/where");
  await server.inject("*");
  t.is((await scrape()).http_requests_total?.type, "counter");
  const counted = (await values("http_requests_total"))?.filter((series) => series.at(-1) !== 0);
  t.deepEqual(counted?.slice(1), [
    ["GET", "/rest/health", "200", 1],
    ["GET", "/rest/v1/invoices/{id}", "200", 2],
    ["GET", "/rest/v1/invoices/{id}", "400", 1],
    ["GET", "unknown", "404", 1],
    ["GET", "unknown", "400", 1],
  ]);
  const { http_request_duration_seconds } = await scrape();
  t.is(http_request_duration_seconds?.type, "histogram");
  const durations = http_request_duration_seconds?.data.find(
    ({ labels }) => labels?.route === "/rest/v1/invoices/{id}",
  );
  t.like(durations, { labels: { method: "GET", route: "/rest/v1/invoices/{id}" }, count: 3 });
});

test("pay runs and what became of invoices are counted, from zero", async (t) => {
  let asked = 0;
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, (_request, response) => {
    setTimeout(() => response.end(`{"result":${++asked > 4}}`), 30);
  });
  const { pay, scrape, values } = await scraped({ PAYMENT_PROVIDER_ENDPOINT });
  const invoices = () => values("antaeus_invoices");
  const charges = () => values("antaeus_charges_total");
  const runs = () => values("antaeus_pay_runs_total");
  const none = ["accepted", "refused", "no_answer", "skipped"].map((result) => [result, 0]);
  t.deepEqual(await charges(), none);
  t.deepEqual(await runs(), [
    ["true", 0],
    ["false", 0],
  ]);
  t.deepEqual(await invoices(), [
    ["PENDING", 10],
    ["PAID", 2],
  ]);

  await pay();
  t.deepEqual(await charges(), [["accepted", 6], ["refused", 4], ...none.slice(2)]);
  t.deepEqual(await invoices(), [
    ["PENDING", 4],
    ["PAID", 8],
  ]);
  await pay();
  t.deepEqual(await charges(), [["accepted", 10], ["refused", 4], ...none.slice(2)]);
  t.deepEqual(await runs(), [
    ["true", 1],
    ["false", 1],
  ]);
  t.deepEqual(await invoices(), [
    ["PENDING", 0],
    ["PAID", 12],
  ]);

  const { antaeus_pay_run_duration_seconds, antaeus_charge_attempt_duration_seconds } =
    await scrape();
  const [run, ...others] = antaeus_pay_run_duration_seconds?.data ?? [];
  t.deepEqual(others, []);
  t.is(Number(run?.count), 2);
  t.true((run?.sum ?? 0) >= 0.08 && (run?.sum ?? 0) < 10, `${run?.sum} seconds`);
  const attempts = antaeus_charge_attempt_duration_seconds?.data ?? [];
  t.deepEqual(Object.fromEntries(attempts.map(({ labels, count }) => [labels?.result, count])), {
    accepted: 10,
    refused: 4,
  } as never);
  for (const { sum, count } of attempts)
    t.true(Number(sum) >= 0.029 * Number(count) && Number(sum) < 10, `${sum} seconds`);
});

test("a pay run shows while it is under way, and when it has ended", async (t) => {
  let [asked, answer] = [0, () => {}];
  const tenth = Promise.withResolvers<void>();
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, (_request, response) => {
    answer = () => response.end('{"result":true}');
    if (++asked === 10) tenth.resolve();
    else answer();
  });
  const { pay, values } = await scraped({ PAYMENT_PROVIDER_ENDPOINT, CHARGE_CONCURRENCY: "1" });
  const shown = async () => [
    (await values("antaeus_pay_run_active"))?.[0]?.[0],
    (await values("antaeus_pay_run_left"))?.[0]?.[0],
    (await values("antaeus_charges_total"))?.[0]?.[1],
  ];
  const lastEnd = async () => (await values("antaeus_pay_run_last_end_time_seconds"))?.[0]?.[0];
  t.deepEqual([...(await shown()), await lastEnd()], [0, 0, 0, 0]);
  const run = pay();
  await tenth.promise;
  t.deepEqual([...(await shown()), await lastEnd()], [1, 1, 9, 0]);
  answer();
  await run;
  t.deepEqual(await shown(), [0, 0, 10]);
  t.true(Math.abs(Number(await lastEnd()) - Date.now() / 1000) < 10);
});

test("a circuit that opens shows, and attempts without an answer", async (t) => {
  let away = true;
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, (_request, response) => {
    response.end(away ? "" : '{"result":true}');
  });
  const { pay, scrape, values } = await scraped({
    PAYMENT_PROVIDER_ENDPOINT,
    CHARGE_CONCURRENCY: "1",
    CHARGE_ATTEMPTS: "2",
  });
  t.deepEqual(await values("antaeus_circuit_open"), [[0]]);
  await pay();
  t.deepEqual(await values("antaeus_circuit_open"), [[1]]);
  t.deepEqual((await values("antaeus_charges_total"))?.slice(2), [
    ["no_answer", 5],
    ["skipped", 5],
  ]);
  const [attempts] = (await scrape()).antaeus_charge_attempt_duration_seconds?.data ?? [];
  t.like(attempts, { labels: { result: "no_answer" }, count: 10 });
  away = false;
  await pay();
  t.deepEqual(await values("antaeus_circuit_open"), [[0]]);
});

test("no invoices are zero of each", async (t) => {
  const { values } = await scraped({ CUSTOMERS: "0" });
  t.deepEqual(await values("antaeus_invoices"), [
    ["PENDING", 0],
    ["PAID", 0],
  ]);
});

test("draining shows", async (t) => {
  const { server, values } = await scraped({ DRAIN_SECONDS: "0" });
  t.deepEqual(await values("service_draining"), [[0]]);
  server.app.draining = true;
  t.deepEqual(await values("service_draining"), [[1]]);
  await drain(server);
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
