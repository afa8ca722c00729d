import { GitHub, nameOnGitHub } from "../github/client.ts";
import { latest, type Step } from "./tracking.ts";

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
    const github = GitHub.fromEnvironment("It needs the repository permission Checks: read.");
    if (!github) throw new Error("GITHUB_TOKEN holds no token");
    const path = `/repos/${nameOnGitHub()}/commits/${commit}/check-runs?per_page=100`;
    const { check_runs } = await github.call<{ check_runs: CheckRun[] }>({ method: "GET", path });
    return testsStep(check_runs);
  } catch (error) {
    const [why] = (error as Error).message.split("\n");
    return { name: "tests", state: "unknown", what: `not known here: ${why}` };
  }
}

/** What the tests said of a commit. Nothing waits for it: they decide before a merge, not after. */
export function testsStep(runs: CheckRun[]): Step {
  const name = "tests";
  const list = (some: CheckRun[]) => some.map((run) => run.name).join(", ");
  const isOver = ({ status }: CheckRun) => status === "completed";
  const isCancelled = ({ conclusion }: CheckRun) => conclusion === "cancelled";
  const isGood = ({ conclusion }: CheckRun) =>
    ["success", "neutral", "skipped"].includes(conclusion ?? "");
  const failed = runs.filter((run) => isOver(run) && !isGood(run) && !isCancelled(run));
  const left = runs.filter((run) => !isOver(run));
  if (runs.length === 0) return { name, state: "unknown", what: "GitHub ran none for this commit" };
  if (failed.length > 0) return { name, state: "stopped", what: `failed: ${list(failed)}` };
  if (left.length > 0) return { name, state: "waiting", what: `under way: ${list(left)}` };
  const cancelled = runs.filter(isCancelled);
  // By somebody, or by a newer push to its pull request: that says nothing of the commit.
  if (cancelled.length > 0)
    return { name, state: "unknown", what: `cancelled: ${list(cancelled)}` };
  return { name, state: "done", what: list(runs), at: latest(runs.map((run) => run.completed_at)) };
}
