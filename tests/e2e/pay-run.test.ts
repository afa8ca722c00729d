import test from "ava";
import { count, isFair, payRun, report } from "../../tools/pay-run/pay-run.ts";
import { antaeus, commit, currentInvoices, restore, untilLive } from "./support/cluster.ts";

test.afterEach.always(restore);

test("a commit that asks for more customers brings their invoices, and a pay run pays half", async (t) => {
  const before = await currentInvoices();
  const customers = new Set(before.map(({ customerId }) => customerId)).size;
  await untilLive(
    await commit("apps/antaeus/overlays/testing/deployment.yaml", (text) =>
      text.replace(/(name: CUSTOMERS\n +value:) "\d+"/, `$1 "${customers + 25}"`),
    ),
  );
  const more = await currentInvoices();
  t.is(more.length, before.length + 25 * 40);
  t.deepEqual(more.slice(0, before.length), before);

  const run = await payRun(antaeus);
  t.log(report(run));
  t.true(count(run).tried >= 25 * 39);
  t.true(isFair(run));
});
