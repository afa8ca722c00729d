import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { Database } from "../src/database.ts";
import { accepted, type Cutter, cutter } from "./cutter.ts";
import { type Service, start } from "./service.ts";

/** How often to kill; npm run kills does it a hundred times. */
const kills = Number(process.env.KILLS ?? 20);

/** What the database says, and how many charges of each invoice payment accepted. */
function compare(file: string, books: Cutter) {
  const database = new Database(file);
  const invoices = database.invoices();
  database.close();
  // The first of each customer's invoices is PAID from the start.
  const first = new Map(invoices.toReversed().map(({ id, customerId }) => [customerId, id]));
  const due = invoices.filter(({ id, customerId }) => first.get(customerId) !== id);
  const charges = accepted(due, books);
  const of = (id: number) => charges.get(id) as number;
  return {
    due: due.length,
    pending: due.filter(({ status }) => status === "PENDING").length,
    paidButNotCharged: due.filter(({ id, status }) => status === "PAID" && of(id) === 0).length,
    chargedTwice: due.filter(({ id }) => of(id) > 1).length,
  };
}

/** Kills Antaeus again and again, each fifth time while it starts, else amid a pay run. */
async function killing(t: ExecutionContext, kills: number, { keys = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "antaeus.db");
  const books = await cutter(t, [await start(t, "payment-service").url], { keys, delay: 2 });
  const antaeus = () =>
    start(t, "antaeus-service", {
      DATABASE: file,
      CUSTOMERS: "10",
      INVOICES_PER_CUSTOMER: String(2 * kills + 1),
      PAYMENT_PROVIDER_ENDPOINT: books.endpoint,
    });
  const pay = async ({ url }: Service) =>
    (await fetch(`${await url}/rest/v1/invoices/pay`, { method: "POST" })).json();

  for (let life = 0; life < kills; life++) {
    const service = antaeus();
    if (life % 5 !== 0) {
      await service.url;
      const before = books.answers.length;
      let ended = false;
      pay(service).then(
        () => (ended = true),
        () => (ended = true),
      );
      // However slow the machine is: amid the run.
      while (books.answers.length === before && !ended) await setTimeout(1);
    }
    await setTimeout(Math.random() * 100);
    await service.kill();
    if (keys) t.like(compare(file, books), { paidButNotCharged: 0, chargedTwice: 0 });
  }
  const survivor = antaeus();
  while (!(await pay(survivor)));
  await survivor.kill();
  return { file, books };
}

test(`killed ${kills} times, no invoice is charged twice, nor PAID without a charge`, async (t) => {
  const { file, books } = await killing(t, kills);
  t.deepEqual(compare(file, books), {
    due: 20 * kills,
    pending: 0,
    paidButNotCharged: 0,
    chargedTwice: 0,
  });
  const repeats = books.answers.length - new Set(books.answers.map(({ charge }) => charge)).size;
  t.log(`${repeats} charges were asked for again, as their answers died with the process`);
  t.true(repeats > kills / 4);
  const integrity = new DatabaseSync(file).prepare("PRAGMA integrity_check").get();
  t.is(integrity?.integrity_check, "ok");
});

test("without keys it is charged twice", async (t) => {
  const { file, books } = await killing(t, 10, { keys: false });
  const { chargedTwice } = compare(file, books);
  t.log(`${chargedTwice} of 200 invoices were charged more than once`);
  t.true(chargedTwice > 0);
});
