import { UserError } from "../cli/command.ts";
import { commitFile, gitIn, plainPatch, git as runGit, textAt } from "../git/git.ts";
import { commitOf, imageIn, overlayFile, tagOf, withImage } from "../images/images.ts";
import { contains, isBuiltFrom } from "./history.ts";
import { type Branch, type Outcome, pushOnTop } from "./push.ts";

/** An image that was built and pushed. */
export interface Build {
  service: string;
  /** The source commit it was built from. */
  commit: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
}

interface Options extends Branch {
  environment?: string;
  /** Where the repository is to be looked at, for links in the message. */
  url?: string;
}

/**
 * Puts a build into the overlay of its service, as a commit on top of the newest one of the branch. It is decided
 * anew each time that others are quicker, so an older build never replaces a newer one. A build whose image was there
 * once and was taken back (`make revert`, or `git revert` of its bump) does not come back: only a newer commit moves
 * forward.
 *
 * @param folder a clone with the whole history; its files and its index are left alone
 * @throws UserError when the branch does not have the source commit, or the Git host refuses, or does not answer
 */
export async function bump(folder: string, build: Build, options: Options = {}): Promise<Outcome> {
  const { environment = "testing", url = "", ...branch } = options;
  return pushOnTop(folder, "bump", branch, async (tip) => {
    const skipped = await whyNot(folder, build, tip, environment);
    if (skipped) return { skipped };
    return { commit: await commitOnTop(folder, build, tip, { environment, url }) };
  });
}

/** @returns why the build is not to be deployed any more; undefined when it is */
async function whyNot(
  folder: string,
  { service, commit, digest }: Build,
  tip: string,
  environment: string,
): Promise<string | undefined> {
  const git = gitIn(folder);
  if (!(await contains(tip, commit, folder))) {
    throw new UserError(`${commit} is not on the branch: only what is merged is deployed.`);
  }
  const file = overlayFile(service, environment);
  const log = await git("log", "--format=", ...plainPatch, "--unified=0", tip, "--", file);
  const tags = [...log.matchAll(/^\+ +newTag: (\S+)/gm)].map(([, tag]) => tag as string);
  const sources = await existing(
    folder,
    [...new Set(tags)].flatMap((tag) => commitOf(tag) ?? []),
  );
  // Of this commit, those that no build of the history had: none when one was as new, or newer.
  const left = await git("rev-list", "--max-count=1", commit, ...sources.map((one) => `^${one}`));
  if (left) return undefined;
  const image = imageIn(await textAt(tip, file, folder));
  const current = image.newTag;
  if (current === (await tagOf(commit, folder))) {
    // Another digest is of an image that was built elsewhere, before this one was published.
    return image.digest === digest ? `${current} is deployed already` : undefined;
  }
  return (await isBuiltFrom(image, commit, folder))
    ? `${current} is deployed, which is newer`
    : "it was deployed before, and taken back: a newer commit moves forward";
}

/** Those of the commits that the clone has, in full. */
async function existing(folder: string, commits: string[]): Promise<string[]> {
  const check = ["cat-file", "--batch-check=%(objecttype) %(objectname)"];
  const input = commits.map((commit) => `${commit}\n`).join("");
  const lines = await runGit(check, { folder, input });
  return [...lines.matchAll(/^commit (\w+)$/gm)].map(([, commit]) => commit as string);
}

/**
 * Makes the commit.
 * @param tip the commit that it goes on top of
 * @param how.env for Git: the author, for one
 * @param how.subject what the message begins with: Argo CD's history shows nothing else of a commit
 * @returns the new commit
 */
export async function commitOnTop(
  folder: string,
  { service, commit, digest }: Build,
  tip: string,
  how: { environment: string; url?: string; env?: NodeJS.ProcessEnv; subject?: string },
): Promise<string> {
  const { environment, url, env = {}, subject } = how;
  const git = gitIn(folder);
  const file = overlayFile(service, environment);
  const newTag = await tagOf(commit, folder);
  const overlay = await textAt(tip, file, folder);
  const { name } = imageIn(overlay);
  const bump = `${service}: ${newTag} to ${environment}`;
  const message = [
    subject ? `${subject} (${bump})` : bump,
    await git("show", "--no-patch", "--format=%s", commit),
    ...(url ? [`${url}/commit/${commit}`] : []),
    `Source-Commit: ${commit}\nImage: ${name}:${newTag}@${digest}`,
  ].join("\n\n");
  return commitFile(tip, file, withImage(overlay, { newTag, digest }), message, { folder, env });
}
