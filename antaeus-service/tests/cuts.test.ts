import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Invoice } from "../src/database.ts";
import { startServer } from "../src/server.ts";
import { accepted, type Cutter, cutter } from "./cutter.ts";
import { start } from "./service.ts";

/** An Antaeus with 120 invoices to pay. */
async function antaeus(t: ExecutionContext, { endpoint }: Cutter, DATABASE = ":memory:") {
  const server = await startServer({
    env: {
      DATABASE,
      CUSTOMERS: "10",
      INVOICES_PER_CUSTOMER: "13",
      PAYMENT_PROVIDER_ENDPOINT: endpoint,
      CHARGE_TIMEOUT_MS: "10000",
      RETRY_DELAY_MS: "1",
    },
    log: () => {},
  });
  const invoices = async () =>
    (await server.inject<Invoice[]>("/rest/v1/invoices")).result as Invoice[];
  const seeded = new Set(
    (await invoices()).filter(({ status }) => status === "PAID").map(({ id }) => id),
  );
  return {
    server,
    invoices,
    /** The invoices that were to be paid. */
    async due() {
      return (await invoices()).filter(({ id }) => !seeded.has(id));
    },
    /** Makes pay runs until nothing is pending, a hundred at most. */
    async payAll() {
      for (let runs = 0; runs < 100; runs++) {
        await server.inject({ method: "POST", url: "/rest/v1/invoices/pay" });
        if ((await invoices()).every(({ status }) => status === "PAID")) return;
      }
      t.fail("a hundred pay runs were not enough");
    },
  };
}

/** Cuts as often as not, each way as often as the others. */
const cutting = (books: Cutter) => {
  books.next = () => (["before", "after", "amid"] as const)[Math.floor(Math.random() * 6)];
};

/** The invoices by how many charges of them payment accepted: [none, one, more]. */
function count(invoices: Invoice[], books: Cutter): [number, number, number] {
  const charges = [...accepted(invoices, books).values()];
  const [none, one] = [0, 1].map((n) => charges.filter((of) => of === n).length) as [
    number,
    number,
  ];
  return [none, one, charges.length - none - one];
}

test("whatever is cut, each invoice is charged once, and PAID when it was", async (t) => {
  const books = await cutter(t, [await start(t, "payment-service").url]);
  const { server, due, payAll } = await antaeus(t, books);

  cutting(books);
  for (let runs = 0; runs < 3; runs++) {
    await server.inject({ method: "POST", url: "/rest/v1/invoices/pay" });
    const charges = accepted(await due(), books);
    for (const { id, status } of await due())
      if (status === "PAID") t.is(charges.get(id), 1, `${id} is PAID and payment says otherwise`);
  }
  await payAll();
  t.deepEqual(count(await due(), books), [0, 120, 0]);
  t.log("cuts:", books.cuts);
  t.true(books.cuts.after + books.cuts.amid > 100, "an answer got lost more than a hundred times");
});

test("without keys the same cuts charge invoices twice", async (t) => {
  const books = await cutter(t, [await start(t, "payment-service").url], { keys: false });
  const { due, payAll } = await antaeus(t, books);
  cutting(books);
  await payAll();
  const [none, , twice] = count(await due(), books);
  t.is(none, 0);
  t.true(twice > 20, `${twice} were charged twice`);
  t.log(`${twice} of 120 invoices were charged more than once`);
});

test("a database put back from a backup charges nobody again", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [file, backup] = [join(folder, "antaeus.db"), join(folder, "backup.db")];
  const books = await cutter(t, [await start(t, "payment-service").url]);

  const first = await antaeus(t, books, file);
  await first.server.inject({ method: "POST", url: "/rest/v1/invoices/pay" });
  await first.server.stop();
  copyFileSync(file, backup);
  const second = await antaeus(t, books, file);
  await second.payAll();
  await second.server.stop();

  const third = await antaeus(t, books, backup);
  await third.payAll();
  const all = await third.invoices();
  t.deepEqual(count(all, books), [10, 120, 0], "ten were PAID from the start");
});

test("two at once on one database charge nobody twice", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "antaeus.db");
  const books = await cutter(t, [await start(t, "payment-service").url]);
  const one = await antaeus(t, books, file);
  const other = await antaeus(t, books, file);
  cutting(books);
  await Promise.all([one.payAll(), other.payAll()]);
  t.deepEqual(count(await one.invoices(), books), [10, 120, 0]);
});

/** Payments of two versions: whichever is asked, the one accepts half of the charges and the other one fewer. */
const versions = (t: ExecutionContext) =>
  Promise.all(
    ["0.5", "0.2"].map((share) => start(t, "payment-service", { ACCEPTANCE_SHARE: share }).url),
  );

test("while two versions of payment serve, each invoice is charged once, whatever is cut", async (t) => {
  const books = await cutter(t, await versions(t));
  const { due, payAll } = await antaeus(t, books);
  cutting(books);
  await payAll();
  t.deepEqual(count(await due(), books), [0, 120, 0]);
  t.true(books.cuts.after + books.cuts.amid > 100);
});

test("without terms in the keys the same two versions charge invoices twice", async (t) => {
  const books = await cutter(t, await versions(t), { terms: false });
  const { due, payAll } = await antaeus(t, books);
  cutting(books);
  await payAll();
  const [none, , twice] = count(await due(), books);
  t.is(none, 0);
  t.true(twice > 0, `${twice} were charged twice`);
  t.log(`${twice} of 120 invoices were charged more than once`);
});
