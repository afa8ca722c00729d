import { mock } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { trace } from "../tests/helpers.ts";
import { Database } from "./database.ts";
import { createPayRuns, left, type PayRunOptions, type PayRunResult } from "./pay-run.ts";
import { type ChargeClient, PaymentUnavailable } from "./payment.ts";
import { createBreaker } from "./resilience.ts";

function seeded(customers = 5, invoicesEach = 21) {
  const database = new Database(":memory:");
  database.seed(customers, invoicesEach);
  return database;
}

/** Pay runs with at most so many charges at once, and a circuit that opens at ten. */
function payRuns(
  database: Database,
  charge: ChargeClient,
  concurrency = 8,
  stopping = new AbortController(),
  told: Pick<PayRunOptions, "onOutcome" | "onProgress" | "terms"> = {},
) {
  const breaker = createBreaker(10);
  return createPayRuns({
    database,
    charge: (invoice, trace) => breaker.execute(() => charge(invoice, trace)),
    breaker,
    concurrency,
    stopping: stopping.signal,
    ...told,
  });
}

const byNumber = (a: number, b: number) => a - b;

const statuses = (database: Database, status: string) =>
  database.invoices().filter((invoice) => invoice.status === status).length;

test("tries every pending invoice once and pays the accepted ones", async (t) => {
  const database = seeded();
  const tried: number[] = [];
  const charge: ChargeClient = async ({ id }) => {
    tried.push(id);
    return id % 2 === 0;
  };
  const due = database.due().map(({ id }) => id);
  const outcome = await payRuns(database, charge).run(trace).ended;
  t.deepEqual(tried.toSorted(byNumber), due.toSorted(byNumber));
  t.like(outcome, {
    due: 100,
    accepted: 50,
    refused: 50,
    no_answer: 0,
    skipped: 0,
    circuit: "closed",
  });
  t.is(statuses(database, "PAID"), 55);
});

test("a charge without an answer leaves its invoice pending, and the run goes on", async (t) => {
  const database = seeded();
  const [broken] = database.due();
  const charge: ChargeClient = async ({ id }) => {
    if (id === broken?.id)
      throw new PaymentUnavailable("fetch failed", { cause: new Error("no route") });
    return true;
  };
  const outcome = await payRuns(database, charge).run(trace).ended;
  t.like(outcome, {
    due: 100,
    accepted: 99,
    refused: 0,
    no_answer: 1,
    skipped: 0,
    circuit: "closed",
    reason: "fetch failed: no route",
  });
  t.deepEqual(database.due(), [broken], "under the same key, so that a repeat is recognised");
});

test("more than a batch is tried once each, from another place each time, and not read at once", async (t) => {
  const database = seeded(1, 2501);
  const { due } = database;
  let most = 0;
  database.due = (...part) => {
    const invoices = due.apply(database, part);
    most = Math.max(most, invoices.length);
    return invoices;
  };
  let tried: number[] = [];
  const charge: ChargeClient = async ({ id }) => {
    tried.push(id);
    return false;
  };
  const runs = payRuns(database, charge);
  const starts = new Set<number>();
  for (let n = 0; n < 3; n++) {
    tried = [];
    t.like(await runs.run(trace).ended, { due: 2500, refused: 2500, skipped: 0 });
    t.deepEqual(
      tried.toSorted(byNumber),
      Array.from({ length: 2500 }, (_, index) => index + 2),
    );
    starts.add(Math.min(...tried.slice(0, 100)));
  }
  t.true(starts.size > 1);
  t.is(most, 1000);
});

test("invoices that payment cannot handle, and that lie together, hold up none for ever", async (t) => {
  const database = seeded(1, 2101);
  const charge: ChargeClient = async ({ id }) => {
    if (id > 1000 && id <= 1100) throw new PaymentUnavailable("payment answered 500");
    return true;
  };
  const runs = payRuns(database, charge);
  let n = 0;
  while (++n < 300 && database.count().PENDING > 100) await runs.run(trace).ended;
  t.log(`${n} runs`);
  t.is(database.count().PENDING, 100);
});

test("what cannot be read amid a run ends it, after the charges under way", async (t) => {
  const database = seeded(1, 2501);
  const { due } = database;
  let [reads, underWay] = [0, 0];
  database.due = (...part) => {
    if (++reads > 1) throw new Error("disk I/O error");
    return due.apply(database, part);
  };
  const charge: ChargeClient = async () => {
    underWay++;
    await delay(1);
    underWay--;
    return true;
  };
  const outcome = await payRuns(database, charge).run(trace).ended;
  t.is(underWay, 0);
  t.is(outcome.reason, "disk I/O error");
  t.is(outcome.accepted + outcome.skipped, 2500);
  t.true(outcome.accepted <= 1000 && outcome.skipped >= 1500);
});

test.serial("a run says how far it is: as answers come, and every five seconds", async (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.teardown(() => mock.timers.reset());
  const database = seeded();
  const [answered, said]: [string[], PayRunResult[]] = [[], []];
  let number = 0;
  const runs = payRuns(
    database,
    async () => {
      if (number > 0) t.is(answered.length, number, "counted before the next charge");
      t.is(left(runs.current() as PayRunResult), 100 - number);
      if (++number === 70) mock.timers.tick(10_000);
      return true;
    },
    1,
    undefined,
    {
      onOutcome: (outcome, invoices) => answered.push(...Array(invoices).fill(outcome)),
      onProgress: (soFar) => said.push({ ...soFar }),
    },
  );
  t.is(runs.current(), undefined);
  const { id, ended } = runs.run(trace);
  const result = await ended;
  t.is(runs.current(), undefined);
  t.deepEqual(answered, Array(100).fill("accepted"));
  t.deepEqual(
    said.map(({ run, due, accepted }) => ({ run, due, accepted })),
    Array(2).fill({ run: id, due: 100, accepted: 69 }),
  );
  t.is(result.run, id);
  mock.timers.tick(10_000);
  t.is(said.length, 2, "and no more once it has ended");
});

test("no more charges at once than configured", async (t) => {
  let [now, most] = [0, 0];
  const charge: ChargeClient = async () => {
    most = Math.max(most, ++now);
    await delay(1);
    now--;
    return true;
  };
  await payRuns(seeded(), charge, 7).run(trace).ended;
  t.is(most, 7);
});

/** Accepts half, each after some time, and sees to it that none is charged when it must not be. */
function careful(t: ExecutionContext) {
  const underWay = new Set<number>();
  const accepted = new Set<number>();
  const charge: ChargeClient = async ({ id }) => {
    t.false(underWay.has(id), `invoice ${id} is in two charges at once`);
    t.false(accepted.has(id), `invoice ${id} is charged again`);
    underWay.add(id);
    await delay(Math.random() * 3);
    underWay.delete(id);
    if (Math.random() < 0.5) return false;
    accepted.add(id);
    return true;
  };
  return { charge, accepted };
}

test("runs that overlap never charge an invoice twice at once, nor a paid one again", async (t) => {
  const database = seeded();
  const { charge, accepted } = careful(t);
  const runs = payRuns(database, charge);
  const first = runs.run(trace).ended;
  const second = runs.run(trace).ended;
  const refused = (await first).refused;
  const third = runs.run(trace).ended;
  t.is((await second).due, refused, "the next run tries what the last was refused");
  t.is((await third).due, (await second).refused);
  const results = await Promise.all([first, second, third]);
  t.is(
    results.reduce((sum, result) => sum + result.accepted, 0),
    accepted.size,
  );
  t.is(statuses(database, "PAID"), 5 + accepted.size);
});

test("all who ask amid a run share the next one", async (t) => {
  const database = seeded();
  const { charge } = careful(t);
  const runs = payRuns(database, charge);
  const first = runs.run(trace).ended;
  const others = await Promise.all(Array.from({ length: 200 }, () => runs.run(trace).ended));
  const shared = others[0] as PayRunResult;
  t.not(await first, shared);
  for (const other of others) t.is(other, shared);
  t.is(statuses(database, "PENDING"), shared.refused);
});

test("it has ended when the run that is under way has, and the one that waits", async (t) => {
  const database = seeded();
  const { charge } = careful(t);
  const runs = payRuns(database, charge);
  await runs.ended();
  let ended = 0;
  for (let n = 0; n < 2; n++) runs.run(trace).ended.then(() => ended++);
  await runs.ended();
  t.is(ended, 2);
});

test("a run that fails as a whole does not block the next one", async (t) => {
  const database = seeded();
  const runs = payRuns(database, async () => true);
  const { count } = database;
  database.count = () => {
    throw new Error("disk I/O error");
  };
  await t.throwsAsync(runs.run(trace).ended, { message: "disk I/O error" });
  database.count = count;
  t.is((await runs.run(trace).ended).accepted, 100);
});

test("stopping begins no further charge, and skips the rest", async (t) => {
  const database = seeded();
  const stopping = new AbortController();
  let tried = 0;
  const charge: ChargeClient = async () => {
    if (++tried === 10) stopping.abort();
    await delay(1);
    return true;
  };
  const outcome = await payRuns(database, charge, 8, stopping).run(trace).ended;
  t.true(tried >= 10 && tried < 20, `${tried} charges`);
  t.like(outcome, { due: 100, accepted: tried, no_answer: 0, skipped: 100 - tried });
  t.is(database.due().length, 100 - tried);
});

test("the circuit opens after so many charges in a row without an answer, and ends the run", async (t) => {
  let tried = 0;
  const charge: ChargeClient = async () => {
    tried++;
    throw new PaymentUnavailable(`number ${tried}`);
  };
  const outcome = await payRuns(seeded(), charge, 1).run(trace).ended;
  t.is(tried, 10);
  t.like(outcome, {
    due: 100,
    accepted: 0,
    refused: 0,
    no_answer: 10,
    skipped: 90,
    circuit: "open",
    reason: "number 1",
  });
});

test("answers in between keep it closed", async (t) => {
  let tried = 0;
  const charge: ChargeClient = async () => {
    if (++tried % 10 > 0) throw new PaymentUnavailable("nothing");
    return false;
  };
  t.like(await payRuns(seeded(), charge, 1).run(trace).ended, {
    refused: 10,
    no_answer: 90,
    circuit: "closed",
  });
});

test("what is no silence of payment's does not open it", async (t) => {
  const charge: ChargeClient = async () => {
    throw new Error("payment answered 401");
  };
  t.like(await payRuns(seeded(), charge).run(trace).ended, {
    no_answer: 100,
    skipped: 0,
    circuit: "closed",
  });
});

test("with an open circuit a run asks once, and goes on only after an answer", async (t) => {
  const database = seeded();
  let [tried, away] = [0, true];
  const charge: ChargeClient = async () => {
    tried++;
    if (away) throw new PaymentUnavailable("away");
    return true;
  };
  const runs = payRuns(database, charge);
  t.like(await runs.run(trace).ended, { circuit: "open" });
  for (let n = 0; n < 3; n++) {
    tried = 0;
    t.like(await runs.run(trace).ended, { due: 100, no_answer: 1, skipped: 99, circuit: "open" });
    t.is(tried, 1);
  }
  away = false;
  t.like(await runs.run(trace).ended, { due: 100, accepted: 100, circuit: "closed" });
  away = true;
  t.like(await runs.run(trace).ended, { due: 0, circuit: "closed" });
});

test.serial("a clock that is set back or forward changes nothing", async (t) => {
  mock.timers.enable({ apis: ["Date"], now: Date.now() });
  t.teardown(() => mock.timers.reset());
  const database = seeded();
  let away = true;
  const runs = payRuns(database, async () => {
    if (away) throw new PaymentUnavailable("away");
    return true;
  });
  for (const hours of [-1, 24]) {
    away = true;
    t.like(await runs.run(trace).ended, { circuit: "open" });
    mock.timers.setTime(Date.now() + hours * 3_600_000);
    t.like(await runs.run(trace).ended, { no_answer: 1, skipped: 99, reason: "away" });
    away = false;
    t.like(await runs.run(trace).ended, { accepted: 100, circuit: "closed" });
    database.seed(5, database.invoices().length / 5 + 20);
  }
});

test("an invoice that payment cannot handle does not hold up the others", async (t) => {
  const database = seeded();
  const broken = new Set(database.due().slice(0, 20));
  const ids = new Set([...broken].map(({ id }) => id));
  const charge: ChargeClient = async ({ id }) => {
    if (ids.has(id)) throw new PaymentUnavailable("payment answered 500");
    return true;
  };
  const runs = payRuns(database, charge);
  for (let n = 0; n < 100 && database.due().length > 20; n++) await runs.run(trace).ended;
  t.is(database.due().length, 20);
});

test("an answer that cannot be kept leaves the invoice pending, and ends the run", async (t) => {
  const database = seeded();
  database.recordAnswer = async () => {
    throw new Error("the disk is full");
  };
  const outcome = await payRuns(database, async () => true, 3).run(trace).ended;
  t.like(outcome, { accepted: 0, no_answer: 3, skipped: 97, reason: "the disk is full" });
});

test("the key of each charge names the terms of its first attempt, on the disk before it is asked", async (t) => {
  const database = seeded();
  const asked = new Map<number, string[]>();
  let share: number | undefined;
  const charge: ChargeClient = async ({ id, chargeKey }) => {
    const [kept] = database.due(id - 1, id);
    t.is(kept?.chargeKey, chargeKey);
    asked.set(id, [...(asked.get(id) ?? []), chargeKey]);
    // The first answer of each gets lost.
    if (asked.get(id)?.length === 1) throw new Error("no answer");
    return id % 2 === 0;
  };
  const runs = payRuns(database, charge, 8, undefined, { terms: async () => share });
  share = 0.5;
  await runs.run(trace).ended;
  share = 0.3;
  await runs.run(trace).ended;
  for (const [first, again] of asked.values()) {
    t.regex(first ?? "", /\.share-0\.5\.sha256-/);
    t.is(again, first, "a repeat keeps its terms");
  }
  // Those that were refused are new attempts, by the terms of now; where payment says none, a key names none.
  share = undefined;
  t.true(database.due().every(({ chargeKey }) => !chargeKey.includes(".share-")));
  await runs.run(trace).ended;
  t.true(database.due().every(({ chargeKey }) => !chargeKey.includes(".share-")));
});

test("while payment's terms cannot be had nobody is charged", async (t) => {
  const database = seeded();
  let away = true;
  const terms = async () => {
    if (away) throw new PaymentUnavailable("away");
    return 0.5;
  };
  const runs = payRuns(database, async () => !away, 8, undefined, { terms });
  t.like(await runs.run(trace).ended, {
    due: 100,
    skipped: 100,
    reason: "away",
    circuit: "open",
  });
  away = false;
  t.like(await runs.run(trace).ended, { due: 100, accepted: 100, circuit: "closed" });
});

test("keys of invoices that are not asked name nothing, but for a few", async (t) => {
  const database = seeded();
  const stopping = new AbortController();
  const charge: ChargeClient = async () => {
    stopping.abort();
    return false;
  };
  await payRuns(database, charge, 1, stopping, { terms: async () => 1 }).run(trace).ended;
  const named = database.due().filter(({ chargeKey }) => chargeKey.includes(".share-1."));
  t.true(named.length < 16, `${named.length}: sixteen at a time, of which one was refused`);
});
