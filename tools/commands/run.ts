// make run: both services from their bundles, one pay run, nothing left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { main } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { isFair, payRun, report } from "../pay-run/pay-run.ts";

const services: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), "antaeus-"));

/** Starts a bundle on a free port of this machine, as its image does: `node main.cjs`. Returns its URL. */
async function start(service: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [`${service}/dist/main.cjs`], {
    env: { HOST: "127.0.0.1", PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  services.push(child);
  // Read to the end: a service must not wait for a reader of its log.
  const listening = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout)
      .on("line", (line) => {
        const { message, url } = JSON.parse(line);
        if (message === "listening") resolve(url);
      })
      .on("close", () => reject(new Error(`${service} ended before it listened`)));
  });
  return listening;
}

// However this process ends, what it started ends with it.
process.once("exit", () => {
  for (const child of services) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

main(async () => {
  const payment = await step("Starting payment", () =>
    start("payment-service", { CALLER: "anybody" }),
  );
  const antaeus = await step("Starting Antaeus, with 1,000 invoices of 25 customers", () =>
    start("antaeus-service", {
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
