import { UserError } from "../cli/command.ts";
import { gitIn, textAt } from "../git/git.ts";
import { commitOf, type Image, imageIn } from "../images/images.ts";

export interface Commit {
  sha: string;
  time: Date;
  subject: string;
}

/** A commit that put an image of ours into an overlay. */
export interface Bump extends Commit {
  image: Image;
}

/** @returns the commit that a revision names; undefined when the repository has none by that name */
export async function resolve(revision: string, folder = "."): Promise<string | undefined> {
  const verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
  return gitIn(folder)(...verify).catch(() => undefined);
}

export async function readCommit(sha: string, folder = "."): Promise<Commit> {
  const [commit] = await log(folder, ["--max-count=1", sha]);
  return commit as Commit;
}

/** Whether a revision has a commit in its history, or is it. */
export async function contains(revision: string, commit: string, folder = "."): Promise<boolean> {
  return gitIn(folder)("merge-base", "--is-ancestor", commit, revision).then(
    () => true,
    () => false,
  );
}

/** The paths that a commit changes; of a merge, all that it brought to the branch. */
export async function changedFiles(sha: string, folder = "."): Promise<string[]> {
  const show = ["show", "--format=", "--name-only", "-z", "--diff-merges=first-parent", sha];
  return (await gitIn(folder)(...show)).split("\0").filter(Boolean);
}

/**
 * The commit that took another one back, unless it was taken back itself.
 * Known by what `git revert` writes, and GitHub's button: with squashed merges that one names the pull
 * request, whose number ends the subject of what it became.
 * @param tip the newest commit of the branch
 */
export async function revertOf(
  commit: Commit,
  tip: string,
  folder = ".",
): Promise<Commit | undefined> {
  const newestFirst = await log(folder, [`${commit.sha}..${tip}`]);
  const find = ({ sha, subject }: Commit, later = newestFirst): Commit | undefined => {
    const pull = /\((#\d+)\)$/.exec(subject)?.[1];
    return later.find((other, index) => {
      const [, reverted] = /This reverts commit ([0-9a-f]{7,40})/.exec(other.body) ?? [];
      const [, revertedPull] = /^Reverts \S+?(#\d+)$/m.exec(other.body) ?? [];
      const takesBack =
        (reverted !== undefined && sha.startsWith(reverted)) ||
        (pull !== undefined && pull === revertedPull);
      return takesBack && !find(other, later.slice(0, index));
    });
  };
  return find(commit);
}

/** The image that an overlay said at a revision; undefined when it says none of ours. */
export async function imageAt(
  revision: string,
  overlay: string,
  folder = ".",
): Promise<Image | undefined> {
  try {
    return imageIn(await textAt(revision, overlay, folder));
  } catch {
    return undefined;
  }
}

/** Whether an image was built from a commit, or from a newer one that has it in its history. */
export async function isBuiltFrom(image: Image, commit: string, folder = "."): Promise<boolean> {
  const source = await resolve(commitOf(image.newTag) ?? "", folder);
  return source !== undefined && (await contains(source, commit, folder));
}

/**
 * The first commit after this one whose overlay says an image that was built from it, or from a newer one.
 * @param overlay path of the overlay's kustomization.yaml
 * @param tip the newest commit of the branch
 */
export async function bumpOf(
  commit: string,
  tip: string,
  overlay: string,
  folder = ".",
): Promise<Bump | undefined> {
  for (const later of await log(folder, ["--reverse", `${commit}..${tip}`, "--", overlay])) {
    const image = await imageAt(later.sha, overlay, folder);
    if (image && (await isBuiltFrom(image, commit, folder))) return { ...later, image };
  }
}

/** The last commit of a branch that changed a file. */
export async function lastChange(tip: string, file: string, folder = "."): Promise<Commit> {
  const [commit] = await log(folder, ["--max-count=1", tip, "--", file]);
  return commit as Commit;
}

/** @throws UserError in a shallow clone, where commits look as if nothing came before them */
export async function needWholeHistory(folder = "."): Promise<void> {
  const shallow = await gitIn(folder)("rev-parse", "--is-shallow-repository").catch(() => {
    throw new UserError("There is no Git repository here: go to your clone of this repository.");
  });
  if (shallow === "true") throw new UserError("This clone is shallow: git fetch --unshallow");
}

async function log(folder: string, args: string[]): Promise<(Commit & { body: string })[]> {
  const printed = await gitIn(folder)("log", "-z", "--format=%H%n%ct%n%s%n%b", ...args);
  return printed.split("\0").flatMap((record) => {
    const [sha = "", seconds, subject = "", ...body] = record.split("\n");
    return sha
      ? { sha, time: new Date(Number(seconds) * 1000), subject, body: body.join("\n") }
      : [];
  });
}
