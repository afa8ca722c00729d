import { stripVTControlCharacters } from "node:util";
import test from "ava";
import { count, type Invoice, isFair, type PayRun, report } from "../../tools/pay-run/pay-run.ts";

/** A run over invoices in two currencies, the first of which was paid before. */
function runOf(pending: number, accepted: number): PayRun {
  const invoices = (paid: number) =>
    Array.from(
      { length: pending + 1 },
      (_, id): Invoice => ({
        id,
        customerId: 1,
        amount: { value: 10, currency: id % 2 ? "USD" : "EUR" },
        status: id <= paid ? "PAID" : "PENDING",
      }),
    );
  return { before: invoices(0), after: invoices(accepted), milliseconds: 1234 };
}

test("counts what was tried and what was accepted, by currency and in all", (t) => {
  const run = runOf(975, 500);
  t.deepEqual(count(run), {
    invoices: 976,
    paidBefore: 1,
    paidAfter: 501,
    tried: 975,
    accepted: 500,
  });
  t.deepEqual(count(run, "USD"), {
    invoices: 488,
    paidBefore: 0,
    paidAfter: 250,
    tried: 488,
    accepted: 250,
  });
});

test("half is fair; all, none and a third are not", (t) => {
  t.true(isFair(runOf(975, 487)));
  for (const accepted of [0, 325, 650, 975])
    t.false(isFair(runOf(975, accepted)), String(accepted));
});

test("the report has a row for each currency, aligned, and the verdict", (t) => {
  const lines = stripVTControlCharacters(report(runOf(975, 500))).split("\n");
  const rows = lines.slice(1, 5);
  t.deepEqual(
    rows.map((row) => row.trim().split(/ +/)[0]),
    ["currency", "EUR", "USD", "all"],
  );
  t.is(new Set(rows.slice(1).map((row) => row.indexOf("%"))).size, 1);
  t.regex(lines.join("\n"), /501 of 976 invoices are PAID, 1 were before; the run took 1.23 s/);
  t.regex(lines.join("\n"), /✔ Accepted: 500 of 975. A fair coin gives 411 to 564/);
  t.regex(report(runOf(975, 700)), /✘.* Accepted: 700 of 975/);
});

test("a run with nothing to pay says so instead of a verdict", (t) => {
  t.regex(report(runOf(0, 0)), /Nothing was pending.*raise CUSTOMERS/);
});
