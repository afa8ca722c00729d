// make new-environment: one more cluster that runs every service.
import { main } from "../cli/command.ts";
import { nameOption } from "../cli/options.ts";
import { newEnvironment } from "../scaffold/environment.ts";

main(async () => {
  const name = nameOption("NAME");
  console.log(newEnvironment(".", name).write().join("\n"));
  console.log(`
  Next  Say what differs from testing, in apps/*/overlays/${name}. Then make test, commit all of it, and open a
        pull request. A cluster with Argo CD becomes this environment by kubectl apply -k clusters/${name}.`);
});
