import test from "ava";
import { trace } from "../tests/helpers.ts";
import type { Due } from "./database.ts";
import { type Charge, NoAnswer } from "./payment.ts";
import { retrying, wait } from "./retry.ts";

const invoice = { id: 1, chargeKey: "key" } as Due;

/** A charge that goes as scripted, attempt by attempt, and the times at which it was asked for. */
function scripted(...script: (boolean | Error)[]) {
  const times: number[] = [];
  const charge: Charge = async (asked, part) => {
    times.push(performance.now());
    if (asked !== invoice || part !== trace) throw new Error("another invoice or trace");
    const next = script.shift();
    if (typeof next === "boolean") return next;
    throw next ?? new Error("asked too often");
  };
  return { charge, times };
}

const never = new AbortController().signal;
const lost = (message = "lost") => new NoAnswer(message);

for (const answer of [true, false]) {
  test(`${answer} is an answer at once, and after silence`, async (t) => {
    for (const silence of [[], [lost()], [lost(), lost()]]) {
      const { charge, times } = scripted(...silence, answer);
      t.is(await retrying(charge, 3, 1, never)(invoice, trace), answer);
      t.is(times.length, silence.length + 1);
    }
  });
}

test("it gives up after so many attempts, with the last reason", async (t) => {
  for (const attempts of [1, 2, 5]) {
    const { charge, times } = scripted(..."12345".split("").map(lost), true);
    await t.throwsAsync(retrying(charge, attempts, 1, never)(invoice, trace), {
      instanceOf: NoAnswer,
      message: `${attempts}`,
    });
    t.is(times.length, attempts);
  }
});

test("what is no silence is not tried again", async (t) => {
  const wrong = new Error("payment answered 401");
  const { charge, times } = scripted(wrong, true);
  t.is(await t.throwsAsync(retrying(charge, 3, 1, never)(invoice, trace)), wrong);
  t.is(times.length, 1);
});

test("after a silence it stays unknown, whatever comes then", async (t) => {
  const { charge, times } = scripted(lost(), new Error("payment answered 401"), true);
  await t.throwsAsync(retrying(charge, 3, 1, never)(invoice, trace), {
    instanceOf: NoAnswer,
    message: "lost",
  });
  t.is(times.length, 2);
});

test("waits double, and half of each is random", (t) => {
  const waits = (random?: number) => [1, 2, 3, 4].map((attempt) => wait(attempt, 40, random));
  t.deepEqual(waits(0), [20, 40, 80, 160]);
  t.deepEqual(waits(0.5), [30, 60, 120, 240]);
  t.deepEqual(waits(1), [40, 80, 160, 320]);
  t.is(new Set([...waits(), ...waits()]).size, 8);
});

test("it does wait", async (t) => {
  const { charge, times } = scripted(lost(), lost(), true);
  await retrying(charge, 3, 80, never)(invoice, trace);
  const [first, second, third] = times as [number, number, number];
  // Timers round to whole milliseconds.
  t.true(second - first >= 39, `${second - first}`);
  t.true(third - second >= 79, `${third - second}`);
});

test("stopping ends the wait, and no further attempt is made", async (t) => {
  const stopping = new AbortController();
  const { charge, times } = scripted(lost(), true);
  const asked = retrying(charge, 3, 60_000, stopping.signal)(invoice, trace);
  const begun = performance.now();
  setImmediate(() => stopping.abort());
  await t.throwsAsync(asked, { instanceOf: NoAnswer, message: "lost" });
  t.true(performance.now() - begun < 20_000);
  t.is(times.length, 1);
});
