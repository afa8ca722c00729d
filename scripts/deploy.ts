// make deploy: the newest commit becomes what Argo CD reads. The Git hook calls it at each commit.
import { Kubectl, localContext } from "./lib/cluster.ts";
import { Advice, main, run } from "./lib/command.ts";
import { head, publish } from "./lib/git.ts";

main(async () => {
  const commit = await head();
  await publish(new Kubectl(localContext), commit).catch((error: Error) => {
    throw new Advice(
      `The local cluster did not take the commit; make up brings it there.\n${error.message}`,
    );
  });
  console.log(
    `▸ Argo CD has ${await run("git", ["log", "-1", "--format=%h %s"])}. Follow it with make status.`,
  );
});
