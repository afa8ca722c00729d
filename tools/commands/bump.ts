// make bump: an image that was published goes into its service's overlay, as a commit on main.
import { main, UserError } from "../cli/command.ts";
import { nameOption, revisionOption } from "../cli/options.ts";
import { bump } from "../delivery/bump-commit.ts";
import { needWholeHistory } from "../delivery/history.ts";
import { git } from "../git/git.ts";
import { digestOf, digestOption, sourceOf } from "../images/build.ts";
import { checkService } from "../images/images.ts";
import { verifySignature } from "../images/signature.ts";

main(async () => {
  const service = nameOption("SERVICE");
  const at = revisionOption("COMMIT", "HEAD");
  const wanted = digestOption();
  await checkService(service, at);
  await needWholeHistory();
  const { commit, name, tag } = await sourceOf(service, at);
  const digest = wanted || (await digestOf(`${name}:${tag}`));
  if (!digest) throw new UserError(`There is no ${name}:${tag}: has it been published?`);
  await verifySignature(`${name}:${tag}@${digest}`);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  const url = server && repository ? `${server}/${repository}` : "";
  const outcome = await bump(".", { service, commit, digest }, { url });
  console.log(
    "commit" in outcome
      ? `▸ ${await git(["show", "--no-patch", "--format=%h %s", outcome.commit])}`
      : `▸ Nothing to do for ${service}: ${outcome.skipped}.`,
  );
});
