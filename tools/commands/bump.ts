// make bump: an image that was published goes into its service's overlay, as a commit on main.
import { parseArgs } from "node:util";
import { main, run, UserError } from "../cli/command.ts";
import { bump } from "../delivery/bump-commit.ts";
import { needWholeHistory } from "../delivery/history.ts";
import { checkDigest, digestOf, sourceOf } from "../images/build.ts";
import { checkService } from "../images/images.ts";
import { verifySignature } from "../images/signature.ts";

main(async () => {
  const { values } = parseArgs({
    options: {
      service: { type: "string", default: "" },
      digest: { type: "string", default: "" },
      commit: { type: "string", default: "HEAD" },
    },
  });
  const { service } = values;
  await checkService(service, values.commit);
  checkDigest(values.digest);
  await needWholeHistory();
  const { commit, name, tag } = await sourceOf(service, values.commit);
  const digest = values.digest || (await digestOf(`${name}:${tag}`));
  if (!digest) throw new UserError(`There is no ${name}:${tag}: has it been published?`);
  await verifySignature(`${name}:${tag}@${digest}`);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  const url = server && repository ? `${server}/${repository}` : "";
  const outcome = await bump(".", { service, commit, digest }, { url });
  console.log(
    "commit" in outcome
      ? `▸ ${await run("git", ["show", "--no-patch", "--format=%h %s", outcome.commit])}`
      : `▸ Nothing to do for ${service}: ${outcome.skipped}.`,
  );
});
