import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { git } from "../git/git.ts";

/** A commit, a merge and a rebase each end in a hook of its own. */
const names = ["post-commit", "post-merge", "post-rewrite"];

const ours = "# Shows the local cluster each new commit. Written by make up, removed by make down.";

// Where core.hooksPath is that of all repositories, the others have a deploy of their own, or none.
const script = `#!/bin/sh
${ours}
[ ! -e tools/commands/deploy.ts ] || exec make --silent deploy FROM_HOOK=1
`;

/** Whether a hook is of make up, of this version or of an older one. */
const isOurs = (file: string) => readFileSync(file, "utf8").includes(ours);

/** Where Git looks for a hook: within the folder, or anywhere, for a worktree or where core.hooksPath says so. */
async function path(folder: string, name: string): Promise<string> {
  return resolve(folder, await git(["rev-parse", "--git-path", `hooks/${name}`], { folder }));
}

/**
 * Makes each new commit reach the cluster. Hooks that somebody else wrote stay as they are.
 * @param folder the working copy
 * @returns what the user should do in their place, if anything
 */
export async function installHook(folder = "."): Promise<string | undefined> {
  const taken: string[] = [];
  for (const name of names) {
    const file = await path(folder, name);
    if (existsSync(file) && !isOurs(file)) {
      taken.push(name);
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  }
  if (taken.length > 0) {
    return `You have a Git hook of your own (${taken.join(", ")}): add "make deploy" to it, or type that after a commit.`;
  }
}

export async function removeHook(folder = "."): Promise<void> {
  for (const name of names) {
    const file = await path(folder, name);
    if (existsSync(file) && isOurs(file)) rmSync(file);
  }
}
