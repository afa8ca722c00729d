import { join } from "node:path";
import { UserError } from "../cli/command.ts";
import { gitIn, gitSucceeds } from "../git/git.ts";
import { reaches } from "../git/kustomizations.ts";
import { commitOf, type Image, sourcePaths } from "../images/images.ts";

export interface Commit {
  sha: string;
  time: Date;
  subject: string;
  /** The message after the subject. */
  body: string;
}

/** A commit that put an image of ours into an overlay. */
export interface Bump extends Commit {
  /** Its name, tag and digest. */
  image: string;
}

/** @returns the commit that a revision names; undefined when the repository has none by that name */
export async function resolve(revision: string, folder = "."): Promise<string | undefined> {
  const verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
  return gitIn(folder)(...verify).catch((error: Error) => {
    if (error instanceof UserError) throw error;
    return undefined;
  });
}

/** @throws UserError where it names none @param advice what to do then, in a sentence */
export async function mustResolve(revision: string, advice: string): Promise<string> {
  const commit = await resolve(revision);
  if (commit) return commit;
  throw new UserError(`There is no commit ${revision} here: ${advice}`);
}

/** Whether a revision has a commit in its history, or is it. */
export const contains = (revision: string, commit: string, folder = "."): Promise<boolean> =>
  gitSucceeds(["merge-base", "--is-ancestor", commit, revision], { folder });

/** Whether an image was built from a commit, or from a newer one that has it in its history. */
export async function isBuiltFrom(image: Image, commit: string, folder = "."): Promise<boolean> {
  const source = await resolve(commitOf(image.newTag) ?? "", folder);
  return source !== undefined && (await contains(source, commit, folder));
}

/** @throws UserError in a shallow clone, where commits look as if nothing came before them */
export async function needWholeHistory(folder = "."): Promise<void> {
  const shallow = await gitIn(folder)("rev-parse", "--is-shallow-repository");
  if (shallow === "true") throw new UserError("This clone is shallow: git fetch --unshallow");
}

/** @param args for `git log`: which commits @returns them, the newest first unless they say otherwise */
export async function log(args: string[], folder = "."): Promise<Commit[]> {
  const printed = await gitIn(folder)("log", "-z", "--format=%H%n%ct%n%s%n%b", ...args);
  return printed.split("\0").flatMap((record) => {
    const [sha, seconds, subject = "", ...body] = record.split("\n");
    return sha
      ? { sha, time: new Date(Number(seconds) * 1000), subject, body: body.join("\n") }
      : [];
  });
}

/**
 * The commit that took another one back, unless it was taken back itself.
 * Known by what `git revert` and `make revert` write, and GitHub's button: with squashed merges that one names the pull
 * request, whose number ends the subject of what it became.
 * @param tip the newest commit of the branch
 */
export async function revertOf(
  commit: Commit,
  tip: string,
  folder = ".",
): Promise<Commit | undefined> {
  const find = ({ sha, subject }: Commit, later: Commit[]): Commit | undefined => {
    const pull = /\((#\d+)\)$/.exec(subject)?.[1] ?? "no pull request";
    return later.find(({ body, ...other }, index) => {
      // A pull request of several reverts, squashed, has the words of each.
      const words = body.matchAll(
        /^(?:This reverts commit|Reverts:) ([0-9a-f]{7,40})|^Reverts \S+?(#\d+)$/gm,
      );
      const takesBack = words.some(([, id, other]) => (id ? sha.startsWith(id) : pull === other));
      return takesBack && !find({ body, ...other }, later.slice(0, index));
    });
  };
  return find(commit, await log([`${commit.sha}..${tip}`], folder));
}

/**
 * The first commit after this one that says that it names an image built from it, or from a newer one.
 * @param overlay path of the overlay's kustomization.yaml
 * @param tip the newest commit of the branch
 */
export async function bumpOf(
  commit: string,
  tip: string,
  overlay: string,
  folder = ".",
): Promise<Bump | undefined> {
  for (const later of await log(["--reverse", `${commit}..${tip}`, "--", overlay], folder)) {
    const [, source] = /^Source-Commit: ([0-9a-f]{40})$/m.exec(later.body) ?? [];
    const [, image = `an image of ${source}`] = /^Image: (\S+)$/m.exec(later.body) ?? [];
    if (source && (await contains(source, commit, folder))) return { ...later, image };
  }
}

/**
 * What a commit changes of an Application: the source that its image is built from; or else manifests, which are
 * the files of each folder that Kustomize comes through; undefined when it does not concern it.
 * @param reads what the Application reads
 */
export async function changeOf(
  commit: string,
  reads: { path: string; kustomize?: { components?: string[] } },
  folder = ".",
): Promise<"source" | "manifests" | undefined> {
  const { path, kustomize: { components = [] } = {} } = reads;
  const git = gitIn(folder);
  // Of a merge, all that it brought to the branch; of a file that was moved, both places.
  const show = ["show", "--format=", "--name-only", "-z", "--no-renames"];
  const printed = await git(...show, "--diff-merges=first-parent", commit);
  const files = printed.split("\0").filter(Boolean);
  const [top, service = ""] = path.split("/");
  const source = sourcePaths(service);
  const isSource = (file: string) => source.some((one) => `${file}/`.startsWith(`${one}/`));
  if (top === "apps" && files.some(isSource)) return "source";
  const rendered = [path, ...components.map((one) => join(path, one))];
  return (await reaches(commit, rendered, files, folder)) ? "manifests" : undefined;
}
