import test from "ava";
import { service, valid } from "../tests/helpers.ts";

test("no faults unless they are switched on", async (t) => {
  const { server, charge } = await service();
  for (let i = 0; i < 100; i++) t.is((await charge(valid)).statusCode, 200);
  t.false("faults" in JSON.parse((await server.inject("/health")).payload));
});

test("latency makes charges late, and nothing else", async (t) => {
  const { server, charge } = await service({ FAULT_LATENCY_MS: "1000" });
  const took = async (what: () => Promise<unknown>) => {
    const begun = performance.now();
    await what();
    return performance.now() - begun;
  };
  t.true((await took(() => charge(valid))) >= 999);
  t.true((await took(() => charge({}))) < 999, "not for a charge that is wrong");
  t.true((await took(() => server.inject("/ready"))) < 999);
  const { faults } = JSON.parse((await server.inject("/health")).payload);
  t.deepEqual(faults, { latencyMs: 1000, errorShare: 0 });
});

test("errors make a share of charges fail before they are decided, and nothing else", async (t) => {
  const { server, charge, lines } = await service({ FAULT_ERROR_SHARE: "0.25" });
  const charges = 1000;
  let failed = 0;
  for (let i = 0; i < charges; i++) {
    const { statusCode, result } = await charge(valid);
    if (statusCode === 200) continue;
    failed++;
    t.deepEqual(result, {
      title: "Service Unavailable",
      status: 503,
      detail: "An error made on purpose: FAULT_ERROR_SHARE is set",
    } as unknown as undefined);
  }
  // Six standard deviations.
  t.true(Math.abs(failed - 250) <= 6 * Math.sqrt(charges * 0.25 * 0.75), `${failed} failed`);
  t.is(lines.filter((line) => "result" in JSON.parse(line)).length, charges - failed);
  t.is((await server.inject("/ready")).statusCode, 200);
  const { faults } = JSON.parse((await server.inject("/health")).payload);
  t.deepEqual(faults, { latencyMs: 0, errorShare: 0.25 });
});

test("a key whose charge failed on purpose has its answer still to come", async (t) => {
  const { server, charge } = await service({ FAULT_ERROR_SHARE: "1" });
  const key = { "idempotency-key": '"x"' };
  t.is((await charge(valid, key)).statusCode, 503);
  server.app.config.FAULT_ERROR_SHARE = 0;
  t.is((await charge({ ...valid, value: 1 }, key)).statusCode, 200);
});
