import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argoCDUrl, branch, type Kubectl, repository, repositoryUrl } from "./cluster.ts";
import { Advice, run } from "./command.ts";
import { warn } from "./progress.ts";
import { tellOfPush } from "./webhook.ts";

/**
 * The commit that is checked out. Says what will not be deployed: uncommitted changes.
 * @throws Advice outside of a repository, or before its first commit
 */
export async function head(): Promise<string> {
  const commit = await run("git", ["rev-parse", "--verify", "HEAD"]).catch(() => {
    throw new Advice(
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

/** The files of a commit, in a folder of their own that goes when this process does. */
export async function filesOf(commit: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Not by git archive: .gitattributes can make that leave files out, and write others.
  const index = `${folder}.index`;
  const env = { ...process.env, GIT_INDEX_FILE: index };
  await run("git", ["read-tree", commit], { env });
  await run("git", ["checkout-index", "--all", `--prefix=${folder}/`], { env });
  rmSync(index);
  return folder;
}

/**
 * Makes a commit the newest one of the branch that Argo CD reads, and tells Argo CD.
 * Whatever the branch is called here, or when there is none, it is that branch over there.
 * @param folder the repository that has the commit
 */
export async function publish(kubectl: Kubectl, commit: string, folder = "."): Promise<void> {
  await run("git", [
    ...["-C", folder, "-c", "protocol.ext.allow=always"],
    ...["push", "--quiet", "--force", endpoint(kubectl), `${commit}:refs/heads/${branch}`],
  ]);
  const { "webhook.github.secret": secret = "" } = await kubectl.secret("argocd-secret");
  await tellOfPush(argoCDUrl, secret, { url: repositoryUrl, branch, commit });
}

/**
 * Where to push to. Through kubectl exec: nobody can write who may not exec into that pod, and no port
 * is open for it.
 */
export const endpoint = (kubectl: Kubectl): string =>
  `ext::kubectl --context ${kubectl.context} exec -i -n git deploy/git -- git-receive-pack ${repository}`;

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
