// make pay: a pay run in the cluster, shown as make run shows one.
import { main } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { isFair, payRun, report } from "../pay-run/pay-run.ts";

const antaeus = process.env.ANTAEUS_URL ?? "http://localhost:30008";

main(async () => {
  const run = await step(`Paying at ${antaeus}`, () => payRun(antaeus));
  console.log(report(run));
  if (!isFair(run)) process.exitCode = 1;
});
