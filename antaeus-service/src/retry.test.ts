import test from "ava";
import type { Due } from "./database.ts";
import { type Charge, NoAnswer } from "./payment.ts";
import { retrying } from "./retry.ts";
import { trace } from "./testing.ts";

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

test("waits double, and half of each is random", async (t) => {
  const waits = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { charge, times } = scripted(lost(), lost(), lost(), true);
      await retrying(charge, 4, 40, never)(invoice, trace);
      return times.slice(1).map((time, index) => time - (times[index] as number));
    }),
  );
  for (const [index, most] of [40, 80, 160].entries()) {
    const these = waits.map((all) => all[index] as number);
    // Timers round to whole milliseconds.
    t.true(Math.min(...these) >= most / 2 - 1, `${Math.min(...these)} of ${most}`);
    t.true(Math.min(...these) < most);
    t.true(Math.max(...these) - Math.min(...these) > most / 8, "they differ");
  }
});

test("stopping ends the wait, and no further attempt is made", async (t) => {
  const stopping = new AbortController();
  const { charge, times } = scripted(lost(), true);
  const asked = retrying(charge, 3, 60_000, stopping.signal)(invoice, trace);
  setImmediate(() => stopping.abort());
  await t.throwsAsync(asked, { instanceOf: NoAnswer, message: "lost" });
  t.is(times.length, 1);
});
