import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, UserError } from "../cli/command.ts";
import { warn } from "../cli/progress.ts";

/**
 * Settings whose values are the user's to choose, and what is parsed here must not depend on: they win over every
 * file of configuration. What the network needs stays the user's: credentials, URLs, keys, proxies.
 */
const settings = {
  // What log, show and diff print.
  "color.ui": "false",
  "color.diff": "false",
  "core.quotePath": "false",
  "diff.mnemonicPrefix": "false",
  "diff.noprefix": "false",
  "diff.relative": "false",
  "diff.suppressBlankEmpty": "false",
  "i18n.logOutputEncoding": "UTF-8",
  "log.follow": "false",
  "log.showRoot": "true",
  "log.showSignature": "false",
  "status.showUntrackedFiles": "normal",
  // What is written: files as the commit has them, commits and tags that nobody has to sign.
  "commit.gpgSign": "false",
  "core.attributesFile": "/dev/null",
  "core.autocrlf": "false",
  "core.eol": "lf",
  "i18n.commitEncoding": "UTF-8",
  "push.followTags": "false",
  "push.gpgSign": "false",
  "tag.gpgSign": "false",
};

/**
 * The variables that stay the user's: who they are, what the network needs, where configuration is. The others point
 * Git to another repository, index or work tree, or change what it prints; a hook has some of them.
 */
const users =
  /^GIT_(ALLOW_|ASKPASS|AUTHOR_|CEILING_|COMMITTER_|CONFIG|CURL_|DISCOVERY_|EXEC_PATH|HTTP_|PROXY_|SSH|SSL_|TERMINAL_|TEST_|TRACE)/;

/** The environment without what would lead Git elsewhere: for git(), and for programs that run Git themselves. */
export const gitEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_") || users.test(name)),
  );

/** How to run git. */
export interface GitOptions {
  /** The repository: a folder in it. The default is the current one. */
  folder?: string;
  /** More environment variables, such as the author. */
  env?: NodeJS.ProcessEnv;
  /** Given to standard input. */
  input?: string;
}

/**
 * Runs git, the same way on every machine and from a hook: see settings, and gitEnvironment. Its messages are in
 * English, because some are parsed.
 * @returns what it printed to standard output, without the last newline
 * @throws Error with the command line and all that it printed; UserError where it reads no repository, in its own words
 */
export function git(args: string[], options: GitOptions = {}): Promise<string> {
  const { folder = ".", env = {}, input = "" } = options;
  const config = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const all = { ...gitEnvironment(), LC_ALL: "C", ...env };
  return run("git", ["-C", folder, ...config, ...args], { env: all, input }).catch(
    (error: Error) => {
      // Of somebody else's folder, it says how to have it read all the same.
      const [why] = /^fatal: (detected dubious|not a git repo)[\s\S]*/m.exec(error.message) ?? [];
      if (why)
        throw new UserError(
          `Git reads no repository here: clone it, or go to your clone.\n  ${why}`,
        );
      // Nobody typed the settings, so nobody has to read them.
      error.message = error.message.replace(` ${config.join(" ")}`, "");
      throw error;
    },
  );
}

/** git in one repository. */
export const gitIn =
  (folder: string) =>
  (...args: string[]): Promise<string> =>
    git(args, { folder });

/** Whether a command of git succeeds. */
export const gitSucceeds = (args: string[], options: GitOptions = {}): Promise<boolean> =>
  git(args, options).then(
    () => true,
    () => false,
  );

/** Options of log, show and diff for a patch that is parsed: as Git stores it, by no program of the user's. */
export const plainPatch = ["--patch", "--no-ext-diff", "--no-textconv"];

/**
 * The commit that is checked out. Says what will not be deployed: uncommitted changes.
 * @throws UserError outside of a repository, or before its first commit
 */
export async function head(): Promise<string> {
  const commit = await git(["rev-parse", "--verify", "HEAD"]).catch((error: Error) => {
    if (error instanceof UserError) throw error;
    throw new UserError("Argo CD deploys commits, and there is none here: commit first.");
  });
  const changes = await git(["status", "--porcelain"]);
  if (changes) {
    const [first = "", ...more] = changes.split("\n").map((line) => line.slice(3));
    const files = more.length > 0 ? `${first} and ${more.length} more` : first;
    warn(`Only commits are deployed. Not committed, so not deployed: ${files}`);
  }
  return commit;
}

/**
 * The files of a commit, in a folder of their own that goes when this process does.
 * @param tree a commit; or a folder of one, as `commit:folder`
 * @param repository the repository that has it
 * @param paths files and folders to take; without them, all
 */
export async function filesOf(
  tree: string,
  repository = ".",
  paths: string[] = [],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Not by git archive: .gitattributes can make that leave files out, and write others.
  const index = `${folder}.index`;
  const inIndex = (...args: string[]) =>
    git(args, { folder: repository, env: { GIT_INDEX_FILE: index } });
  await inIndex("read-tree", tree);
  const files = (await inIndex("ls-files", "-z", "--", ...paths)).split("\0").filter(Boolean);
  await inIndex("checkout-index", `--prefix=${folder}/`, "--", ...files);
  rmSync(index);
  return folder;
}

/** The text of a file as a commit has it, with the newline at its end, which run() takes away. */
export const textAt = async (commit: string, file: string, folder = "."): Promise<string> =>
  `${await git(["cat-file", "blob", `${commit}:${file}`], { folder })}\n`;

/** Where and as whom something is committed. */
type Place = Omit<GitOptions, "input">;

/**
 * Makes a tree in an index of its own, so that the working copy stays as it is.
 * @param start the commit or tree that it begins as
 * @param work by git in that index, and with a folder for what it needs on the way
 */
async function treeIn(
  start: string,
  { folder = ".", env = {} }: Place,
  work: (inIndex: ReturnType<typeof gitIn>, temporary: string) => Promise<void>,
): Promise<string> {
  const temporary = mkdtempSync(join(tmpdir(), "pe-gitops-index-"));
  const all = { ...env, GIT_INDEX_FILE: join(temporary, "index") };
  const inIndex = (...args: string[]) => git(args, { folder, env: all });
  try {
    await inIndex("read-tree", start);
    await work(inIndex, temporary);
    return await inIndex("write-tree");
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** @returns the tree of a commit, with another text of one file */
export const treeWith = (start: string, file: string, text: string, place: Place = {}) =>
  treeIn(start, place, async (inIndex) => {
    const blob = await git(["hash-object", "-w", "--stdin"], { ...place, input: text });
    await inIndex("update-index", "--cacheinfo", `100644,${blob},${file}`);
  });

/**
 * Changes a tree as another one was changed, three-way as git revert does.
 * @param paths where; what else was changed is left out
 * @throws Error where it conflicts
 */
export const treeChanged = (
  start: string,
  from: string,
  to: string,
  paths: string[],
  place: Place,
) =>
  treeIn(start, place, async (inIndex, temporary) => {
    // In a file: it may end in spaces, or have bytes that are no text.
    const patch = join(temporary, "patch");
    const form = ["--binary", "--full-index", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/"];
    const diff = ["diff", ...plainPatch, ...form, `--output=${patch}`, from, to, "--", ...paths];
    await inIndex(...diff);
    if (statSync(patch).size > 0)
      await inIndex("apply", "--cached", "--3way", "--whitespace=nowarn", patch);
  });

/** Commits a tree on top of a commit. @returns the new commit, which no branch has yet */
export const commitTree = (tree: string, tip: string, message: string, place: Place = {}) =>
  git(["commit-tree", tree, "-p", tip, "-F", "-"], { ...place, input: message });

/** Commits one file on top of a commit. @returns the new commit, which no branch has yet */
export const commitFile = async (
  tip: string,
  file: string,
  text: string,
  message: string,
  place: Place = {},
): Promise<string> => commitTree(await treeWith(tip, file, text, place), tip, message, place);
