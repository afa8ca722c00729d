import { UserError } from "../cli/command.ts";
import { git, gitSucceeds } from "../git/git.ts";
import { branch, type Kubectl, repository } from "../kubernetes/cluster.ts";

/**
 * Makes a commit the newest one of the branch that Argo CD reads, and has Argo CD look.
 * Whatever the branch is called here, or when there is none, it is that branch over there.
 * @param folder the repository that has the commit
 */
export async function publish(kubectl: Kubectl, commit: string, folder = "."): Promise<void> {
  const push = ["push", "--quiet", "--force", endpoint(kubectl), `${commit}:refs/heads/${branch}`];
  await git([...allowEndpoint, ...push], { folder });
  await refresh(kubectl);
}

/** Has Argo CD look now instead of at its next poll: it asks the same of its Applications when a webhook comes. */
export async function refresh(kubectl: Kubectl): Promise<void> {
  const all = ["annotate", "applications.argoproj.io", "--all", "-n", "argocd", "--overwrite"];
  // By the time it tells this request from one that it is just at: that one may have read the commit before.
  const now = `argocd.argoproj.io/refresh-timestamp=${new Date().toISOString()}`;
  await kubectl.run([...all, "argocd.argoproj.io/refresh=normal", now]);
}

/**
 * The Git endpoint in the cluster. Through kubectl exec: nobody can write who may not exec into that pod,
 * and no port is open for it.
 * @param command what Git runs over there: the default is what it asks for, to push or to fetch
 */
export const endpoint = (kubectl: Kubectl, command = "%S"): string =>
  `ext::kubectl --context ${kubectl.context} exec -i -n git deploy/git -- ${command} ${repository}`;
const allowEndpoint = ["-c", "protocol.ext.allow=always"];

/**
 * Where Git here finds the repository that Argo CD reads.
 * @param url the Applications' repoURL
 * @returns the endpoint in the cluster; or a remote of this clone that leads to the same repository, with
 *   its owner's credentials; or the URL itself
 */
export async function remoteOf(kubectl: Kubectl, url: string): Promise<string> {
  // Any commit may be asked for, not only the branch's newest: Argo CD may be at one that was replaced.
  const uploadPack = "git -c uploadpack.allowAnySHA1InWant=true upload-pack";
  if (isInCluster(url)) return endpoint(kubectl, uploadPack);
  const name = (place = "") => /[^/:]+\/[^/]+?(?=(\.git)?\/?$)/.exec(place)?.[0];
  const remotes = (await git(["remote", "--verbose"])).split("\n").map((line) => line.split(/\s/));
  const [remote] = remotes.find(([, place]) => name(place) === name(url)) ?? [];
  return remote ?? url;
}

/** Whether a repository is served within the cluster. */
export const isInCluster = (url: string): boolean => /^\w+:\/\/[^/]+\.svc[:/]/.test(url);

/**
 * Brings the newest commit of the branch that Argo CD reads.
 * @throws UserError when the repository does not answer, or has no such branch
 */
export async function fetchTip(remote: string): Promise<string> {
  const list = ["ls-remote", "--exit-code", remote, `refs/heads/${branch}`];
  const line = await git([...allowEndpoint, ...list]).catch((error: Error) => {
    throw new UserError(`Git cannot read ${branch} of what Argo CD reads.\n  ${error.message}`);
  });
  const tip = line.split(/\s/)[0] as string;
  await fetchCommit(remote, tip);
  return tip;
}

/** Brings a commit and its history, unless it is there. @returns whether it is there now */
export async function fetchCommit(remote: string, commit: string): Promise<boolean> {
  const isHere = () => gitSucceeds(["cat-file", "-e", `${commit}^{commit}`]);
  if (await isHere()) return true;
  const fetch = ["fetch", "--quiet", "--no-write-fetch-head", remote, commit];
  await git([...allowEndpoint, ...fetch]).catch(() => {});
  return isHere();
}
