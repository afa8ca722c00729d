// make live: where a commit is on its way to running pods, and how long each step took.
import { styleText } from "node:util";
import { main, UserError } from "../cli/command.ts";
import { option } from "../cli/options.ts";
import { retry, step, waitFor } from "../cli/progress.ts";
import { table } from "../cli/table.ts";
import { checksOf } from "../delivery/checks.ts";
import { fetchCommit, fetchTip, isInCluster, remoteOf } from "../delivery/git-endpoint.ts";
import * as history from "../delivery/history.ts";
import { latest, type Step, short } from "../delivery/steps.ts";
import { observe, stepsOf } from "../delivery/tracking.ts";
import { type Application, branch, isAway, Kubectl } from "../kubernetes/cluster.ts";

main(async () => {
  const seconds = option("TIMEOUT", "300");
  if (!/^\d+$/.test(seconds))
    throw new UserError(`TIMEOUT must be a number of seconds, and is "${seconds}".`);
  await history.needWholeHistory();
  const kubectl = await Kubectl.current();
  const begin = async () => {
    const url = (await applicationsOf(kubectl))[0]?.spec?.source?.repoURL ?? "";
    const remote = await remoteOf(kubectl, url);
    return { url, remote, tip: await fetchTip(remote) };
  };
  const { url, remote, tip } = await retry(Math.min(Number(seconds), 10), begin, isAway);
  const commit = await find(option("COMMIT", "HEAD"), remote);
  await mustBeOn(commit, tip, url);

  const about = `${short(commit.sha)} ${commit.subject}`;
  const steps = await step(`Following ${about}`, (say) =>
    follow(Number(seconds), say, async () => look(kubectl, commit.sha, await fetchTip(remote))),
  );
  const begun: Step = { name: "commit", state: "done", what: about, at: commit.time };
  show(commit.time, [begun, await checksOf(commit.sha), ...steps]);

  const left = worst(steps);
  if (left) {
    const when = left.state === "stopped" ? "and will not be by itself" : `after ${seconds} s`;
    throw new UserError(
      `${short(commit.sha)} is not live ${when}: ${left.application} is at ${left.name}: ` +
        `${left.what}\n  ${advice(left, isInCluster(url))}`,
    );
  }
  const last = steps.filter((one, index) => one.application !== steps[index + 1]?.application);
  const since = last.every(({ at }) => at) && latest(last.map(({ at }) => at));
  const took = since ? `, ${secondsSince(commit.time, since)} s after the commit` : "";
  console.log(`${styleText("green", "✔")} ${short(commit.sha)} is live${took}.`);
});

async function applicationsOf(kubectl: Kubectl): Promise<Application[]> {
  const applications = await kubectl.applications();
  const ours = applications.filter(({ spec }) => spec?.source?.targetRevision === branch);
  if (ours.length > 0) return ours;
  throw new UserError(
    `No Application here reads ${branch}: make up, or kubectl apply -k clusters/testing.`,
  );
}

/** The commit that somebody asks about; one that is not here is looked for where Argo CD reads. */
async function find(revision: string, remote: string): Promise<history.Commit> {
  if (/^[0-9a-f]{40}$/.test(revision)) await fetchCommit(remote, revision);
  const advice = "mistyped, or not fetched yet? git fetch, or its 40 digits.";
  const [commit] = await history.log(["-1", await history.mustResolve(revision, advice)]);
  return commit as history.Commit;
}

/** @throws UserError about a commit that will not be live: it is not on the branch, or was taken back */
async function mustBeOn(commit: history.Commit, tip: string, url: string): Promise<void> {
  if (!(await history.contains(tip, commit.sha))) {
    const next = isInCluster(url)
      ? "If it is your newest commit, make deploy brings it there."
      : "Merge it; of a pull request that was squashed, ask about the commit that it became.";
    throw new UserError(
      `Not live: ${short(commit.sha)} is not merged: ${branch} of ${url} does not have it.\n  ${next}`,
    );
  }
  const revert = await history.revertOf(commit, tip);
  if (!revert) return;
  throw new UserError(
    `Not live: ${short(commit.sha)} was reverted by ${short(revert.sha)} ${revert.subject}\n` +
      `  Whether that is live: make live COMMIT=${short(revert.sha)}`,
  );
}

/** Looks until the commit is live everywhere, or will not be, or the time is up; says what changes. */
async function follow(
  seconds: number,
  say: (line: string) => void,
  look: () => Promise<Step[]>,
): Promise<Step[]> {
  const said = new Set<string>();
  let steps: Step[] = [];
  await waitFor(seconds, async () => {
    steps = await look();
    for (const { application, name, state, what } of steps) {
      const line = `${application}: ${name}: ${state === "done" ? state : what}`;
      if (what && !said.has(line)) say(line);
      said.add(line);
    }
    const left = worst(steps);
    return !left || left.state === "stopped" || undefined;
  });
  return steps;
}

/** Where the commit is now, through each Application that it concerns; through all when through none. */
async function look(kubectl: Kubectl, commit: string, tip: string): Promise<Step[]> {
  const applications = await applicationsOf(kubectl);
  const all = await Promise.all(applications.map((one) => observe(kubectl, one, commit, tip)));
  const concerned = all.filter(({ change }) => change);
  return (concerned.length > 0 ? concerned : all).flatMap(stepsOf);
}

/** What keeps the commit from being live; first of all what does not go on by itself. */
const worst = (steps: Step[]): Step | undefined =>
  steps.find(({ state }) => state === "stopped") ?? steps.find(({ state }) => state !== "done");

/** What to do about a step that is not done. */
function advice({ name, state, application, namespace }: Step, isLocal: boolean): string {
  if (name === "image")
    return isLocal ? "make deploy builds it." : "The workflow publish says why there is none.";
  if (name === "bump") return "Only a newer commit moves forward, or a revert of that one.";
  if (name === "sync" && state === "stopped") return "docs/operations.md says what to do.";
  if (name === "sync")
    return `Argo CD looks every two to three minutes, or now: kubectl -n argocd annotate application ${application} argocd.argoproj.io/refresh=normal --overwrite`;
  return `What the pods say: kubectl -n ${namespace} describe pods, and kubectl -n ${namespace} logs --prefix -l app.kubernetes.io/name`;
}

const secondsSince = (begin: Date, end: Date) => Math.round((+end - +begin) / 1000);

/** The way as a table, each step with its time and the seconds since the commit. */
function show(begin: Date, steps: Step[]): void {
  const marks = {
    done: styleText("green", "✔"),
    waiting: styleText("yellow", "…"),
    stopped: styleText("red", "✘"),
    unknown: styleText("dim", "?"),
  };
  const head = ["app", "step", "time (UTC)", "since", "what"];
  const rows = steps.map(({ application = "", name, state, what, at }, index) => [
    application === steps[index - 1]?.application ? "" : application,
    `${marks[state]} ${name}`,
    at?.toISOString().slice(0, 19).replace("T", " ") ?? "",
    at ? `+${secondsSince(begin, at)} s` : "",
    what,
  ]);
  console.log(table([head, ...rows]));
}
