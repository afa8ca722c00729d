import { join } from "node:path";
import { run } from "../../../tools/cli/command.ts";
import { endpoint, fetchCommit, publish } from "../../../tools/delivery/git-endpoint.ts";
import { revert } from "../../../tools/delivery/revert.ts";
import { temporary } from "../../support/temporary.ts";
import { head, kubectl, untilLive } from "./cluster.ts";

/**
 * Plays GitHub, and its workflow that takes back what failed: by a commit on main, which Argo CD gets then.
 * @param broken a commit on top of the commit under test, which was live
 * @returns the new commit, which is live, its message, and what differs from the commit under test
 */
export async function takeBack(broken: string, reason: string) {
  const [main, clone] = [temporary(), join(temporary(), "clone")];
  const git = (...args: string[]) => run("git", ["-C", clone, ...args]);
  await fetchCommit(endpoint(kubectl), broken);
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", main]);
  await run("git", ["push", "--quiet", main, `${broken}:refs/heads/main`]);
  // As the workflow has it.
  await run("git", ["clone", "--quiet", main, clone]);
  await git("config", "user.name", "e2e");
  await git("config", "user.email", "e2e@localhost");
  const failure = { service: "payment", environment: "testing", commit: broken };
  const wasLive = async (one: string) => one === head;
  const outcome = await revert(clone, { ...failure, reason, wasLive });
  if ("skipped" in outcome) throw new Error(outcome.skipped);
  const { commit } = outcome;
  await publish(kubectl, commit, clone);
  await untilLive(commit);
  const deployed = ["apps", "argocd", "clusters"];
  return {
    commit,
    message: await git("show", "--no-patch", "--format=%B", commit),
    diff: await git("diff", "--stat", head, commit, "--", ...deployed),
  };
}
