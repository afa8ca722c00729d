// make dora: how often, how fast and how safely is deployed, from Git's history and Argo CD's.
import { main } from "../cli/command.ts";
import { warn } from "../cli/progress.ts";
import { needWholeHistory } from "../delivery/history.ts";
import { records } from "../dora/deployments.ts";
import { deployments, figures } from "../dora/figures.ts";
import { page } from "../dora/page.ts";
import { git } from "../git/git.ts";
import { type Application, Kubectl } from "../kubernetes/cluster.ts";
import { write } from "../pages/layout.ts";
import { counted, duration } from "../pages/numbers.ts";

const file = "report/dora.html";

main(async () => {
  await needWholeHistory();
  const applications = await ofCluster();
  const all = await records(".", applications);
  const environments = new Map(
    [...Map.groupBy(all, ({ environment }) => environment)].map(([environment, found]) => [
      environment,
      found.flatMap(deployments),
    ]),
  );
  const now = new Date();
  const head = await git(["rev-parse", "--short", "HEAD"]);
  const argocd =
    applications.length > 0 ? counted(applications.length, "Application") : "no cluster was there";
  write(file, await page(environments, now, `Git (until ${head}) and Argo CD (${argocd})`));
  for (const [environment, found] of environments) {
    const { perWeek = 0, leadTime, failureRate = 0 } = figures(found, now);
    console.log(
      `▸ ${environment}: ${counted(found.length, "deployment")}, ${perWeek.toFixed(1)} a week, lead time ${duration(leadTime)}, ${Math.round(failureRate * 100)} % taken back`,
    );
  }
  console.log(`▸ ${file} shows them.`);
});

/** Argo CD's Applications, where there is a cluster. */
async function ofCluster(): Promise<Application[]> {
  try {
    return await (await Kubectl.current()).applications();
  } catch {
    warn("No Argo CD answers, so when something ran is not known: Git says when it was bumped.");
    return [];
  }
}
