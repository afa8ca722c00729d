// make deploy: the newest commit becomes what Argo CD reads, with images built from it. The Git hook calls
// it at each commit.

import { main, UserError } from "../cli/command.ts";
import { flagOption } from "../cli/options.ts";
import { publish } from "../delivery/git-endpoint.ts";
import { git, head } from "../git/git.ts";
import { Kubectl, localContext } from "../kubernetes/cluster.ts";
import { withLocalImages } from "../local/local-images.ts";

main(async () => {
  const kubectl = new Kubectl(localContext);
  // For a commit that is no failure; whoever types make deploy asks for the cluster.
  if (flagOption("FROM_HOOK") && !(await kubectl.answers()))
    return console.log("▸ The local cluster is stopped, and make up brings this commit there.");
  const environment = await kubectl.environment().catch(() => "testing");
  const say = (line: string) => console.log(`▸ ${line}`);
  const commit = await withLocalImages(await head(), { environment, say });
  await publish(kubectl, commit).catch((error: Error) => {
    throw new UserError(
      `The local cluster did not take the commit; make up brings it there.\n${error.message}`,
    );
  });
  console.log(
    `▸ Argo CD has ${await git(["log", "-1", "--format=%h %s", commit])}. Follow it with make live.`,
  );
});
