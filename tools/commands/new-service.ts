// make new-service: source, manifests, project, deployer and namespace of one more service.
import { dirname } from "node:path";
import { main } from "../cli/command.ts";
import { nameOption } from "../cli/options.ts";
import { nameOnGitHub } from "../github/name.ts";
import { newService } from "../scaffold/service.ts";

main(async () => {
  const name = nameOption("NAME");
  const plan = await newService(".", name);
  console.log(plan.write().join("\n"));
  console.log(`
  Next  make test, then commit all of it and open a pull request.
        The team ${name} must be there before: in CODEOWNERS as @${dirname(nameOnGitHub())}/${name}, and as the group ${name} of the
        single sign-on. Who may call the service, and whom it may call, stands in
        clusters/base/namespaces/app-${name}/network-policies.yaml: nobody yet.
        The clusters run images with a digest only: testing has it with the first build, production with the
        first make promote SERVICE=${name}.`);
});
