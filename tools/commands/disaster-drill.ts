// make disaster-drill: the cluster is gone; the commands of docs/operations.md, and how long until all is back, invoices too.
import { isDeepStrictEqual } from "node:util";
import { main, run, UserError } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { git } from "../git/git.ts";
import { Kubectl, localContext } from "../kubernetes/cluster.ts";
import { antaeusUrl } from "../kubernetes/kind.ts";
import { withLocalImages } from "../local/local-images.ts";
import { untilBackedUp } from "../pay-run/backup.ts";
import { invoices, isFair, payRun, report } from "../pay-run/pay-run.ts";
import { record } from "../report/found.ts";
import { operations } from "../repository/markdown-commands.ts";

main(async () => {
  const commands = operations("The cluster is gone").join("").trim().split("\n");
  const before = await invoices(antaeusUrl);
  await step("Waiting until they are in the backup", () => untilBackedUp(antaeusUrl));
  const steps: { step: string; seconds: number }[] = [];
  for (const command of commands) {
    const begin = performance.now();
    await step(command, () => run("bash", ["-ec", command], { show: true }));
    steps.push({ step: command, seconds: (performance.now() - begin) / 1000 });
  }
  const commit = await withLocalImages(await git(["rev-parse", "HEAD"]));
  // Argo CD has just taken itself over: it reads its settings anew, and looks at everything once more.
  if (!(await new Kubectl(localContext, 60).untilLive(commit, 60))) {
    throw new UserError("Not everything is back: make status says what is missing.");
  }
  if (!isDeepStrictEqual(await invoices(antaeusUrl), before)) {
    throw new UserError(
      "The invoices are not those of before: docs/operations.md, Invoices are lost or wrong.",
    );
  }
  const paid = await payRun(antaeusUrl);
  console.log(report(paid));
  record("drill-disaster", { title: "Disaster: the cluster is deleted", head: commit, steps });
  process.exitCode = isFair(paid) ? 0 : 1;
});
