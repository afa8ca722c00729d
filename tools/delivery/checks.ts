import { UserError } from "../cli/command.ts";
import { gh, howToSignIn, isSignedIn } from "../github/gh.ts";
import { nameOnGitHub } from "../github/name.ts";
import { latest, type Step } from "./steps.ts";

/** A run of GitHub's checks of a commit. */
export interface CheckRun {
  name: string;
  status: string;
  conclusion: string | null;
  completed_at: string | null;
}

/** What GitHub's checks say of a commit, where somebody may ask. */
export async function checksOf(commit: string): Promise<Step> {
  try {
    if (!(await isSignedIn())) throw new UserError(howToSignIn);
    const path = `repos/${nameOnGitHub()}/commits/${commit}/check-runs?per_page=100`;
    const needs = "A token for this has the repository permission Checks: read.";
    return testsStep(JSON.parse(await gh(["api", path], needs)).check_runs);
  } catch (error) {
    const [why] = (error as Error).message.split("\n");
    return { name: "tests", state: "unknown", what: `not known here: ${why}` };
  }
}

/** Whether Argo CD said of a commit at GitHub that it was live. @param context such as argocd/payment/testing */
export async function wasLive(context: string, commit: string): Promise<boolean> {
  const path = `repos/${nameOnGitHub()}/commits/${commit}/statuses?per_page=100`;
  const needs = "A token for this has the repository permission Commit statuses: read.";
  const jq = '.[] | .state + " " + .context';
  const printed = await gh(["api", "--paginate", "--jq", jq, path], needs);
  return printed.split("\n").includes(`success ${context}`);
}

/** What the tests said of a commit. Nothing waits for it: they decide before a merge, not after. */
export function testsStep(runs: CheckRun[]): Step {
  const name = "tests";
  const list = (some: CheckRun[]) => some.map((run) => run.name).join(", ");
  const left = runs.filter(({ status }) => status !== "completed");
  const ended = runs.filter(({ status }) => status === "completed");
  // By somebody, or by a newer push to its pull request: that says nothing of the commit.
  const cancelled = ended.filter(({ conclusion }) => conclusion === "cancelled");
  const noFailure = /^(success|neutral|skipped|cancelled)$/;
  const failed = ended.filter(({ conclusion }) => !noFailure.test(conclusion ?? ""));
  if (runs.length === 0) return { name, state: "unknown", what: "GitHub ran none for this commit" };
  if (failed.length > 0) return { name, state: "stopped", what: `failed: ${list(failed)}` };
  if (left.length > 0) return { name, state: "waiting", what: `under way: ${list(left)}` };
  if (cancelled.length > 0)
    return { name, state: "unknown", what: `cancelled: ${list(cancelled)}` };
  return { name, state: "done", what: list(runs), at: latest(runs.map((run) => run.completed_at)) };
}
