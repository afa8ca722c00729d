// make run: both services from their bundles, one pay run, nothing left behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { startService } from "../local/service.ts";
import { isFair, payRun, report } from "../pay-run/pay-run.ts";

const folder = mkdtempSync(join(tmpdir(), "antaeus-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

main(async () => {
  const payment = await step("Starting payment", () =>
    startService("payment-service", { CALLER: "anybody" }),
  );
  const antaeus = await step("Starting Antaeus, with 1,000 invoices of 25 customers", () =>
    startService("antaeus-service", {
      DATABASE: join(folder, "antaeus.db"),
      CUSTOMERS: "25",
      INVOICES_PER_CUSTOMER: "40",
      PAYMENT_PROVIDER_ENDPOINT: `${payment}/api/v1/charge`,
    }),
  );
  const run = await step("Paying", () => payRun(antaeus));
  console.log(report(run));
  process.exit(isFair(run) ? 0 : 1);
});
