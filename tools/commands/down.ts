// make down: the cluster with all that is in it, its registry with the images, and the Git hooks.

import { main, run, succeeds, UserError } from "../cli/command.ts";
import { cluster } from "../kubernetes/cluster.ts";
import { backupLeft } from "../local/backup.ts";
import { removeHook } from "../local/hook.ts";
import { removeImages, removeRegistry } from "../local/registry.ts";

main(async () => {
  await removeHook().catch(() => {});
  await removeCluster();
  // Also where the cluster is gone, or kind is: it starts with Docker.
  if (await removeRegistry()) console.log("The registry is removed, with the images in it.");
  const images = await removeImages();
  if (images > 0) console.log(`Docker's own store had ${images} of them, which are removed, too.`);
  const backup = backupLeft();
  if (backup) console.log(backup);
  console.log(
    "What Docker pulled, and its build cache, stay for the next make up: docker system prune --all.",
  );
});

async function removeCluster(): Promise<void> {
  if (!(await succeeds("kind", ["version"]))) {
    return console.log("There is no cluster to remove: kind is not here.");
  }
  const clusters = await run("kind", ["get", "clusters"]).catch(() => {
    throw new UserError(
      "Docker does not answer, so whether there is a cluster cannot be told. Start Docker, then make down.",
    );
  });
  if (!clusters.split("\n").includes(cluster)) return console.log("There is no cluster to remove.");
  await run("kind", ["delete", "cluster", "--name", cluster], { show: true });
}
