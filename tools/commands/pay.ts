// make pay: a pay run in the cluster, shown as make run shows one.
import { main } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { antaeusUrl } from "../kubernetes/kind.ts";
import { isFair, payRun, report } from "../pay-run/pay-run.ts";

main(async () => {
  const run = await step(`Paying at ${antaeusUrl}`, () => payRun(antaeusUrl));
  console.log(report(run));
  if (!isFair(run)) process.exitCode = 1;
});
