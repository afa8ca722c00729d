import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, UserError } from "../cli/command.ts";
import { warn } from "../cli/progress.ts";

/**
 * The commit that is checked out. Says what will not be deployed: uncommitted changes.
 * @throws UserError outside of a repository, or before its first commit
 */
export async function head(): Promise<string> {
  const commit = await run("git", ["rev-parse", "--verify", "HEAD"]).catch(() => {
    throw new UserError(
      "Argo CD deploys commits, and there is none here: clone the repository with Git, or commit first.",
    );
  });
  const changes = await run("git", ["status", "--porcelain"]);
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
  const env = { ...process.env, GIT_INDEX_FILE: index };
  const git = (...args: string[]) => run("git", ["-C", repository, ...args], { env });
  await git("read-tree", tree);
  const files = (await git("ls-files", "-z", "--", ...paths)).split("\0").filter(Boolean);
  await git("checkout-index", `--prefix=${folder}/`, "--", ...files);
  rmSync(index);
  return folder;
}

/** The text of a file as a commit has it, with the newline at its end, which run() takes away. */
export const textAt = async (commit: string, file: string, folder = "."): Promise<string> =>
  `${await run("git", ["-C", folder, "show", `${commit}:${file}`])}\n`;

/**
 * Commits one file on top of a commit, in an index of its own: no branch has the commit yet, and the working
 * copy stays as it is.
 * @param tip the commit that it goes on top of
 * @param env for Git: the author, for one
 * @returns the new commit
 */
export async function commitFile(
  tip: string,
  file: string,
  text: string,
  message: string,
  { folder = ".", env = {} as NodeJS.ProcessEnv } = {},
): Promise<string> {
  const temporary = mkdtempSync(join(tmpdir(), "pe-gitops-index-"));
  const all = { ...process.env, ...env, GIT_INDEX_FILE: join(temporary, "index") };
  const git = (args: string[], input = "") =>
    run("git", ["-C", folder, ...args], { env: all, input });
  try {
    const blob = await git(["hash-object", "-w", "--stdin"], text);
    await git(["read-tree", tip]);
    await git(["update-index", "--cacheinfo", `100644,${blob},${file}`]);
    return await git(["commit-tree", await git(["write-tree"]), "-p", tip, "-F", "-"], message);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
