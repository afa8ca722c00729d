import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { Database } from "./database.ts";
import { PayRuns } from "./pay-run.ts";
import type { Charge } from "./payment.ts";

function seeded(customers = 5, invoicesEach = 21) {
  const database = new Database(":memory:");
  database.seed(customers, invoicesEach);
  return database;
}

const statuses = (database: Database, status: string) =>
  database.invoices().filter((invoice) => invoice.status === status).length;

test("tries every pending invoice once and pays the accepted ones", async (t) => {
  const database = seeded();
  const tried: number[] = [];
  const charge: Charge = async ({ id }) => {
    tried.push(id);
    return id % 2 === 0;
  };
  const due = database.due().map(({ id }) => id);
  const outcome = await new PayRuns(database, charge, 8).run();
  t.deepEqual(tried, due);
  t.deepEqual(outcome, { due: 100, accepted: 50, refused: 50, failed: 0 });
  t.is(statuses(database, "PAID"), 55);
});

test("a charge that fails leaves its invoice pending, and the run goes on", async (t) => {
  const database = seeded();
  const [broken] = database.due();
  const charge: Charge = async ({ id }) => {
    if (id === broken?.id) throw new TypeError("fetch failed", { cause: new Error("no route") });
    return true;
  };
  const outcome = await new PayRuns(database, charge, 8).run();
  t.deepEqual(outcome, {
    due: 100,
    accepted: 99,
    refused: 0,
    failed: 1,
    reason: "fetch failed: no route",
  });
  t.deepEqual(database.due(), [broken], "under the same key, so that a repeat is recognised");
});

test("no more charges at once than configured", async (t) => {
  let [now, most] = [0, 0];
  const charge: Charge = async () => {
    most = Math.max(most, ++now);
    await delay(1);
    now--;
    return true;
  };
  await new PayRuns(seeded(), charge, 7).run();
  t.is(most, 7);
});

test("runs that overlap never charge an invoice twice at once, nor a paid one again", async (t) => {
  const database = seeded();
  const underWay = new Set<number>();
  const accepted = new Set<number>();
  const charge: Charge = async ({ id }) => {
    t.false(underWay.has(id), `invoice ${id} is in two charges at once`);
    t.false(accepted.has(id), `invoice ${id} is charged again`);
    underWay.add(id);
    await delay(Math.random() * 3);
    underWay.delete(id);
    if (Math.random() < 0.5) return false;
    accepted.add(id);
    return true;
  };
  const runs = new PayRuns(database, charge, 8);
  const outcomes = await Promise.all([runs.run(), runs.run(), runs.run(), runs.run()]);
  t.is(
    outcomes.reduce((sum, outcome) => sum + outcome.accepted, 0),
    accepted.size,
  );
  t.is(statuses(database, "PAID"), 5 + accepted.size);
  for (const [index, outcome] of outcomes.slice(1).entries()) {
    t.is(
      outcome.due,
      outcomes[index]?.refused ?? -1,
      "the next run tries what the last was refused",
    );
  }
});

test("a run that fails as a whole does not block the next one", async (t) => {
  const database = seeded();
  const runs = new PayRuns(database, async () => true, 8);
  const due = database.due;
  database.due = () => {
    throw new Error("disk I/O error");
  };
  await t.throwsAsync(runs.run(), { message: "disk I/O error" });
  database.due = due;
  t.is((await runs.run()).accepted, 100);
});

test("stopping begins no further charge", async (t) => {
  const database = seeded();
  let tried = 0;
  const charge: Charge = async () => {
    if (++tried === 10) runs.stop();
    await delay(1);
    return true;
  };
  const runs = new PayRuns(database, charge, 8);
  const outcome = await runs.run();
  t.true(tried < 20, `${tried} charges`);
  t.is(outcome.accepted, tried);
  t.is(database.due().length, 100 - tried);
});
