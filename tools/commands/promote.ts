// make promote: the image that testing runs goes to production, as a commit on a branch and a pull request.
import { main, UserError } from "../cli/command.ts";
import { flagOption, nameOption } from "../cli/options.ts";
import { step } from "../cli/progress.ts";
import { resolve } from "../delivery/history.ts";
import * as promote from "../delivery/promotion.ts";
import { commitFile, gitIn, head, textAt } from "../git/git.ts";
import { gh, howToSignIn, isSignedIn, shown } from "../github/gh.ts";
import { nameOnGitHub } from "../github/name.ts";
import { checkService, commitOf, imageIn, overlayFile } from "../images/images.ts";
import { branch, Kubectl, localContext } from "../kubernetes/cluster.ts";
import { withLocalImages } from "../local/local-images.ts";

const needs =
  "A token for this has the repository permissions Contents: read and Pull requests: write.";

const git = gitIn(".");

main(async () => {
  const [service, dryRun] = [nameOption("SERVICE"), flagOption("DRY_RUN")];
  const kubectl = await Kubectl.current();
  const local = kubectl.context === localContext;
  const { tip, base } = local ? await fromHere() : await fromOrigin();
  await checkService(service, tip);
  const image = imageIn(await textAt(tip, overlayFile(service, promote.from)));
  const overlay = await textAt(base, overlayFile(service, promote.to));

  const smoke = await step(`${service} in ${promote.from}: ${image.newTag}`, async (say) => {
    const check = async () => {
      const running = await promote.read(kubectl, service);
      const testing = { service, tip, image, ...running };
      refuse(promote.refusals(testing));
      return testing;
    };
    await check();
    say(`Synced and Healthy at ${tip.slice(0, 7)}; now a smoke test`);
    const smoke = await promote.smokeTest(kubectl);
    refuse(promote.complaints(smoke));
    say(promote.summary(smoke));
    // It still is what was tested.
    const testing = await check();
    return { testing, smoke };
  });

  const source = await resolve(commitOf(image.newTag) ?? "");
  const promotion = promote.promotion(smoke.testing, overlay, smoke.smoke, source);
  if (!promotion) return console.log(`▸ ${promote.to} says ${image.newTag} already.`);
  const { file, text, message } = promotion;
  const commit = await commitFile(base, file, text, message);
  console.log(await git("show", "--format=%B", "--unified=0", commit));
  await open(promotion, commit, { local, dryRun });
});

/** On a laptop: the commit that is checked out, and the one that was made of it for the cluster. */
async function fromHere(): Promise<{ tip: string; base: string }> {
  const base = await head();
  return { tip: await withLocalImages(base), base };
}

/** Elsewhere: the newest commit of main. */
async function fromOrigin(): Promise<{ tip: string; base: string }> {
  await git("fetch", "--quiet", "origin", branch).catch((error: Error) => {
    throw new UserError(
      `The newest commit of ${branch} cannot be fetched from the remote origin.\n  ${error.message}`,
    );
  });
  const tip = await git("rev-parse", "FETCH_HEAD");
  return { tip, base: tip };
}

function refuse(reasons: string[]): void {
  if (reasons.length === 0) return;
  throw new UserError(
    `Not promoted:\n${reasons.map((reason) => `    ${reason}`).join("\n")}\n  make status shows what runs; docs/operations.md says what to do.`,
  );
}

/** A pull request where gh can open one, a branch elsewhere; neither in a dry run. */
async function open(
  promotion: promote.Promotion,
  commit: string,
  { local, dryRun }: { local: boolean; dryRun: boolean },
): Promise<void> {
  const { branch: name, message } = promotion;
  if (local || !(await isSignedIn())) {
    if (dryRun) return console.log(`▸ A dry run: there is no branch ${name}.`);
    await git("branch", name, commit).catch((error: Error) => {
      throw new UserError(
        `There is a branch ${name} already: merge it, or start over after git branch -D ${name}.\n  ${error.message}`,
      );
    });
    return console.log(
      local
        ? `▸ On the branch ${name}; a commit is a merge here: git merge ${name}`
        : `▸ On the branch ${name}: git push origin ${name}, and open a pull request. With gh that is done for you. ${howToSignIn}`,
    );
  }

  const repository = nameOnGitHub();
  const [title = "", ...rest] = message.split("\n");
  const body = rest.join("\n").trim();
  const create = ["pr", "create", "--repo", repository, "--head", name, "--base", branch];
  create.push("--title", title, "--body-file", "-");
  if (dryRun) {
    console.log(`git push origin ${commit}:refs/heads/${name}\n${shown(create, body)}`);
    return console.log("▸ A dry run: nothing was pushed.");
  }
  // With its owner, because a fork may have a branch by the same name.
  const head = `${repository.split("/")[0]}:${name}`;
  const pulls = await gh(["api", `repos/${repository}/pulls?state=open&head=${head}`], needs);
  const [there]: { html_url: string }[] = JSON.parse(pulls);
  if (there) return console.log(`▸ It is open already: ${there.html_url}`);
  // By force, over what an attempt left behind that got no further.
  await git("push", "--quiet", "--force", "origin", `${commit}:refs/heads/${name}`);
  console.log(`▸ Opened ${await gh(create, needs, body)}`);
}
