// make live: where a commit is on its way to running pods, and how long each step took.
import { styleText } from "node:util";
import { main, UserError } from "../cli/command.ts";
import { step, waitFor, warn } from "../cli/progress.ts";
import { table } from "../cli/table.ts";
import { fetchCommit, fetchTip, isInCluster, remoteOf } from "../delivery/git-endpoint.ts";
import {
  bumpOf,
  type Commit,
  changedFiles,
  contains,
  imageAt,
  isBuiltFrom,
  lastChange,
  needWholeHistory,
  readCommit,
  resolve,
  revertOf,
} from "../delivery/history.ts";
import {
  type CheckRun,
  concerns,
  type Deployment,
  firstUnfinished,
  liveAt,
  nextStep,
  type Pod,
  type Running,
  type Share,
  type Step,
  stepsOf,
  testsStep,
  unfinished,
  type Way,
} from "../delivery/tracking.ts";
import { GitHub, nameOnGitHub } from "../github/client.ts";
import { tagOf } from "../images/images.ts";
import { type Application, branch, Kubectl } from "../kubernetes/cluster.ts";

/** Seconds between two looks at the branch; the cluster is looked at each second. */
const pause = 5;

main(async () => {
  const seconds = timeout();
  await needWholeHistory();
  const kubectl = await Kubectl.current();
  const url = (await applicationsOf(kubectl))[0]?.spec?.source?.repoURL ?? "";
  const remote = await remoteOf(kubectl, url);
  const tip = await fetchTip(remote);
  const commit = await find(process.env.COMMIT || "HEAD", remote);
  await mustBeOn(commit, tip, url);

  const files = await changedFiles(commit.sha);
  if (files.some((file) => /^argocd\/(?!projects\/)/.test(file))) {
    warn("It changes Argo CD itself, which nobody follows: kubectl apply it, as README says.");
  }
  const ways = await step(`Following ${short(commit.sha)} ${commit.subject}`, (say) =>
    follow(kubectl, { commit, files, remote, tip }, seconds, say),
  );
  show(commit, await tests(commit), ways);

  const left = firstUnfinished(ways);
  if (left) {
    const when = left.step.state === "stopped" ? "and will not be by itself" : `after ${seconds} s`;
    throw new UserError(
      `${short(commit.sha)} is not live ${when}: ${left.way.application} is at ${left.step.name}: ` +
        `${left.step.what}\n  ${nextStep(left, isInCluster(url))}`,
    );
  }
  const since = liveAt(ways);
  const took = since ? `, ${secondsSince(commit.time, since)} s after the commit` : "";
  console.log(`${styleText("green", "✔")} ${short(commit.sha)} is live${took}.`);
});

const short = (sha: string) => sha.slice(0, 7);
const secondsSince = (begin: Date, end: Date) =>
  Math.round((end.getTime() - begin.getTime()) / 1000);

/** @returns after how many seconds to give up */
function timeout(): number {
  const text = process.env.TIMEOUT || "300";
  if (!/^\d+$/.test(text))
    throw new UserError(`TIMEOUT must be a number of seconds, and is "${text}".`);
  return Number(text);
}

async function applicationsOf(kubectl: Kubectl): Promise<Application[]> {
  const applications = await kubectl.applications().catch((error: Error) => {
    throw new UserError(
      `No Argo CD answers in the context ${kubectl.context}; make up starts one.\n${error.message}`,
    );
  });
  const ours = applications.filter(({ spec }) => spec?.source?.targetRevision === branch);
  if (ours.length > 0) return ours;
  throw new UserError(
    `No Application here reads ${branch}: make up, or kubectl apply -k clusters/testing.`,
  );
}

/** The commit that somebody asks about; one that is not here is looked for where Argo CD reads. */
async function find(revision: string, remote: string): Promise<Commit> {
  const isFull = /^[0-9a-f]{40}$/.test(revision);
  const sha = isFull && (await fetchCommit(remote, revision)) ? revision : await resolve(revision);
  if (sha) return readCommit(sha);
  throw new UserError(
    `There is no commit ${revision}: mistyped, or not fetched yet? git fetch, or its 40 digits.`,
  );
}

/** @throws UserError about a commit that will not be live: it is not on the branch, or was taken back */
async function mustBeOn(commit: Commit, tip: string, url: string): Promise<void> {
  if (!(await contains(tip, commit.sha))) {
    const next = isInCluster(url)
      ? "If it is your newest commit, make deploy brings it there."
      : "Merge it; of a pull request that was squashed, ask about the commit that it became.";
    throw new UserError(
      `Not live: ${short(commit.sha)} is not merged: ${branch} of ${url} does not have it.\n  ${next}`,
    );
  }
  const revert = await revertOf(commit, tip);
  if (revert) {
    throw new UserError(
      `Not live: ${short(commit.sha)} was reverted by ${short(revert.sha)} ${revert.subject}\n` +
        `  Whether that is live: make live COMMIT=${short(revert.sha)}`,
    );
  }
}

interface Followed {
  commit: Commit;
  files: string[];
  remote: string;
  tip: string;
}

/** Looks until the commit is live everywhere, or will not be, or the time is up; says what changes. */
async function follow(
  kubectl: Kubectl,
  followed: Followed,
  seconds: number,
  say: (line: string) => void,
): Promise<Way[]> {
  let ways: Way[] = [];
  let { tip } = followed;
  let fetched = performance.now();
  const seen = new Map<string, string>();
  await waitFor(seconds, async () => {
    if (performance.now() - fetched > pause * 1000) {
      tip = await fetchTip(followed.remote);
      fetched = performance.now();
    }
    ways = await look(kubectl, { ...followed, tip });
    for (const { application, steps } of ways) {
      const now = unfinished(steps);
      const line = now ? `${application}: ${now.name}: ${now.what}` : `${application}: done`;
      if (seen.get(application) !== line) say(line);
      seen.set(application, line);
    }
    const steps = ways.flatMap((way) => way.steps);
    const isOver =
      steps.every(({ state }) => state === "done") ||
      steps.some(({ state }) => state === "stopped");
    return isOver || undefined;
  });
  return ways;
}

/** Where the commit is now, through each Application that it concerns; through all when through none. */
async function look(kubectl: Kubectl, followed: Followed): Promise<Way[]> {
  const applications = await applicationsOf(kubectl);
  const path = ({ spec }: Application) => spec?.source?.path ?? "";
  const concerned = applications.filter((one) => concerns(path(one), followed.files));
  return Promise.all(
    (concerned.length > 0 ? concerned : applications).map(async (application) => {
      const what = concerns(path(application), followed.files);
      const share = await shareOf(application, what === "source", followed);
      const running = await runningOf(kubectl, application, what !== undefined);
      return {
        application: application.metadata.name,
        namespace: running.deployments[0]?.metadata.namespace ?? "argocd",
        steps: stepsOf(share, running),
      };
    }),
  );
}

async function shareOf(
  { spec, status }: Application,
  isSource: boolean,
  { commit, tip, remote }: Followed,
): Promise<Share> {
  const overlay = `${spec?.source?.path}/kustomization.yaml`;
  const revision = status?.sync?.revision ?? "";
  const bump = isSource ? await bumpOf(commit.sha, tip, overlay) : undefined;
  const needed = bump?.sha ?? commit.sha;
  const revisions = new Set<string>();
  for (const one of new Set([
    revision,
    status?.operationState?.syncResult?.revision ?? "",
    status?.operationState?.operation?.sync?.revision ?? "",
    ...(status?.history ?? []).map((entry) => entry.revision),
  ])) {
    if (one && (await fetchCommit(remote, one)) && (await contains(one, needed)))
      revisions.add(one);
  }
  if (!isSource) return { revisions };

  const now = await imageAt(tip, overlay);
  const isTakenBack = bump && now && !(await isBuiltFrom(now, commit.sha));
  return {
    revisions,
    source: {
      expected: `${now?.name ?? "an image"}:${await tagOf(commit.sha)}`,
      bump,
      takenBack: isTakenBack ? await lastChange(tip, overlay) : undefined,
      image: revisions.has(revision) ? await imageAt(revision, overlay) : undefined,
    },
  };
}

/** @param withPods whether what the Application runs matters, or only what Argo CD says of it */
async function runningOf(
  kubectl: Kubectl,
  application: Application,
  withPods: boolean,
): Promise<Running> {
  const resources = (application.status?.resources ?? []).filter(
    ({ kind }) => withPods && kind === "Deployment",
  );
  const namespaces = [...new Set(resources.map(({ namespace = "" }) => namespace))];
  const lists = namespaces.map((namespace) =>
    kubectl.json<{ items: (Deployment | Pod)[] }>(["get", "deployments,pods", "-n", namespace]),
  );
  const items = (await Promise.all(lists)).flatMap((list) => list.items);
  const isDeployment = (item: Deployment | Pod): item is Deployment =>
    "spec" in item && "template" in item.spec;
  return {
    application,
    deployments: items
      .filter(isDeployment)
      .filter(({ metadata }) =>
        resources.some(
          ({ name, namespace }) => name === metadata.name && namespace === metadata.namespace,
        ),
      ),
    pods: items.filter((item): item is Pod => !isDeployment(item)),
  };
}

/** What GitHub's checks say of the commit, where somebody may ask. */
async function tests({ sha }: Commit): Promise<Step> {
  const unknown = (why: string): Step => ({
    name: "tests",
    state: "unknown",
    what: `not known here: ${why}`,
  });
  const github = GitHub.fromEnvironment("It needs the repository permission Checks: read.");
  if (!github) return unknown("GITHUB_TOKEN holds no token");
  try {
    const name = nameOnGitHub();
    const { check_runs } = await github.call<{ check_runs: CheckRun[] }>({
      method: "GET",
      path: `/repos/${name}/commits/${sha}/check-runs?per_page=100`,
    });
    return testsStep(check_runs);
  } catch (error) {
    return unknown((error as Error).message.split("\n")[0] as string);
  }
}

/** The way as a table, each step with its time and the seconds since the commit. */
function show(commit: Commit, tested: Step, ways: Way[]): void {
  const marks = {
    done: styleText("green", "✔"),
    waiting: styleText("yellow", "…"),
    stopped: styleText("red", "✘"),
    unknown: styleText("dim", "?"),
  };
  const row = (application: string, { name, state, what, at }: Step) => [
    application,
    `${marks[state]} ${name}`,
    at ? at.toISOString().slice(0, 19).replace("T", " ") : "",
    at ? `+${secondsSince(commit.time, at)} s` : "",
    what,
  ];
  const head = ["app", "step", "time (UTC)", "since", "what"];
  const about = `${short(commit.sha)} ${commit.subject}`;
  console.log(
    table([
      head.map((cell) => styleText("bold", cell)),
      row("", { name: "commit", state: "done", what: about, at: commit.time }),
      row("", tested),
      ...ways.flatMap(({ application, steps }) =>
        steps.map((one, index) => row(index === 0 ? application : "", one)),
      ),
    ]),
  );
}
