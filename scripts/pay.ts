// make pay: a pay run in the cluster, shown as make run shows one.
import { main } from "./lib/command.ts";
import { isFair, payRun, report } from "./lib/pay-run.ts";
import { step } from "./lib/progress.ts";

const antaeus = process.env.ANTAEUS_URL ?? "http://localhost:30008";

main(async () => {
  const run = await step(`Paying at ${antaeus}`, () => payRun(antaeus));
  console.log(report(run));
  if (!isFair(run)) process.exitCode = 1;
});
