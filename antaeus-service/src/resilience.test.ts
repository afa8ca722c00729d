import { setImmediate } from "node:timers/promises";
import test from "ava";
import { CircuitState } from "cockatiel";
import { trace } from "../tests/helpers.ts";
import type { PendingInvoice } from "./database.ts";
import { type ChargeClient, PaymentUnavailable, TokenMissing } from "./payment.ts";
import { createBreaker, createRetries, withRetries } from "./resilience.ts";

const invoice = { id: 1, chargeKey: "key" } as PendingInvoice;

/** A charge that goes as scripted, attempt by attempt, and the times at which it was asked for. */
function scripted(...script: (boolean | Error)[]) {
  const times: number[] = [];
  const charge: ChargeClient = async (asked, part) => {
    times.push(performance.now());
    if (asked !== invoice || part !== trace) throw new Error("another invoice or trace");
    const next = script.shift();
    if (typeof next === "boolean") return next;
    throw next ?? new Error("asked too often");
  };
  return { charge, times };
}

const never = new AbortController().signal;
const lost = (message = "lost") => new PaymentUnavailable(message);

function retrying(
  charge: ChargeClient,
  CHARGE_ATTEMPTS: number,
  RETRY_DELAY_MS = 1,
  { breaker = createBreaker(1000), stopping = never } = {},
) {
  const asking = withRetries(
    charge,
    breaker,
    createRetries({ CHARGE_ATTEMPTS, RETRY_DELAY_MS }),
    stopping,
  );
  return () => asking(invoice, trace);
}

for (const answer of [true, false]) {
  test(`${answer} is an answer at once, and after silence`, async (t) => {
    for (const silence of [[], [lost()], [lost(), lost()]]) {
      const { charge, times } = scripted(...silence, answer);
      t.is(await retrying(charge, 3)(), answer);
      t.is(times.length, silence.length + 1);
    }
  });
}

test("it gives up after so many attempts, with the last reason", async (t) => {
  for (const attempts of [1, 2, 5]) {
    const { charge, times } = scripted(..."12345".split("").map(lost), true);
    await t.throwsAsync(retrying(charge, attempts)(), {
      instanceOf: PaymentUnavailable,
      message: `${attempts}`,
    });
    t.is(times.length, attempts);
  }
});

for (const wrong of [new Error("payment answered 401"), new TokenMissing("no token")]) {
  test(`${wrong.message} is not tried again, nor is what it follows`, async (t) => {
    for (const silence of [[], [lost()]]) {
      const { charge, times } = scripted(...silence, wrong, true);
      t.is(await t.throwsAsync(retrying(charge, 3)()), wrong);
      t.is(times.length, silence.length + 1);
    }
  });
}

test("waits double, and half of each is random", async (t) => {
  const { charge, times } = scripted(lost(), lost(), true);
  await retrying(charge, 3, 80)();
  const [first, second, third] = times as [number, number, number];
  // Timers round to whole milliseconds.
  t.true(second - first >= 39, `${second - first}`);
  t.true(third - second >= 79, `${third - second}`);
});

test("no further attempt is made once it stops, and no wait is long", async (t) => {
  const stopping = new AbortController();
  const { charge, times } = scripted(lost(), true);
  const asked = retrying(charge, 3, 60_000, { stopping: stopping.signal })();
  const begun = performance.now();
  await setImmediate();
  stopping.abort(lost("the service stops"));
  await t.throwsAsync(asked, { instanceOf: PaymentUnavailable, message: "the service stops" });
  t.true(performance.now() - begun < 20_000);
  t.is(times.length, 1);
});

const afterAnOutage: [next: boolean | Error, state: CircuitState][] = [
  [true, CircuitState.Closed],
  [false, CircuitState.Closed],
  [new Error("payment answered 422"), CircuitState.Closed],
  [lost(), CircuitState.Open],
  [new TokenMissing("no token"), CircuitState.Open],
];
for (const [next, state] of afterAnOutage) {
  test(`after charges without an answer, ${next} leaves the circuit ${CircuitState[state]}`, async (t) => {
    const breaker = createBreaker(2);
    const { charge } = scripted(lost(), lost(), lost(), next, true);
    const ask = retrying(charge, 1, 1, { breaker });
    for (const open of [false, true, true]) {
      await t.throwsAsync(ask);
      t.is(breaker.state, open ? CircuitState.Open : CircuitState.Closed);
    }
    await ask().catch(() => {});
    t.is(breaker.state, state);
    t.true(await ask());
  });
}

test("what payment says to a charge neither opens the circuit nor counts as silence", async (t) => {
  const breaker = createBreaker(1);
  const { charge } = scripted(new Error("payment answered 422"), new Error("payment answered 422"));
  for (let n = 0; n < 2; n++) await t.throwsAsync(retrying(charge, 1, 1, { breaker }));
  t.is(breaker.state, CircuitState.Closed);
});
