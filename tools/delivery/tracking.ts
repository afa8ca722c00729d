import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPod } from "kubernetes-models/v1";
import { textAt } from "../git/git.ts";
import { imageIn, sourceCommit, tagOf } from "../images/images.ts";
import { type Application, type Kubectl, reasons, state } from "../kubernetes/cluster.ts";
import { type Bump, bumpOf, type Commit, changeOf, contains, isBuiltFrom, log } from "./history.ts";
import { type AnalysisRun, ofRollout, type Rollout } from "./rollout.ts";
import {
  done,
  type Finding,
  latest,
  problems,
  type Step,
  short,
  stopped,
  waiting,
} from "./steps.ts";

export type Observation = Awaited<ReturnType<typeof observe>>;

/**
 * What Git and the cluster say of a commit and one Application.
 * @param tip the newest commit of the branch that Argo CD reads
 */
export async function observe(
  kubectl: Kubectl,
  application: Application,
  commit: string,
  tip: string,
) {
  const { spec, status = {} } = application;
  const { sync, operationState, history = [], resources = [] } = status;
  const change = await changeOf(commit, spec?.source ?? { path: "" });
  const release = change === "source" ? await releaseOf(application, commit, tip) : undefined;
  /** Of the revisions that the Application speaks of, those that have the bump, or else the commit. */
  const revisions = new Set<string>();
  for (const revision of new Set([
    sync?.revision,
    operationState?.syncResult?.revision,
    operationState?.operation?.sync?.revision,
    ...history.map((entry) => entry.revision),
  ])) {
    const needed = release?.bump?.sha ?? commit;
    if (revision && (await contains(revision, needed))) revisions.add(revision);
  }

  // Of an Application that the commit does not concern, the sync is all that matters.
  const ours = resources.filter(({ kind }) => change && /^(Deployment|Rollout)$/.test(kind));
  const items: (IDeployment | Rollout | AnalysisRun | IPod)[] = [];
  for (const namespace of new Set(ours.map(({ namespace = "" }) => namespace))) {
    // Not every cluster knows Rollouts.
    const isWatched = ours.some((one) => one.kind === "Rollout" && one.namespace === namespace);
    const kinds = `deployments,pods${isWatched ? ",rollouts.argoproj.io,analysisruns.argoproj.io" : ""}`;
    const get = ["get", kinds, "-n", namespace];
    items.push(...(await kubectl.json<{ items: typeof items }>(get)).items);
  }
  const isOurs = ({ kind, metadata }: IDeployment | Rollout) =>
    ours.some(
      (one) =>
        one.kind === kind && one.name === metadata?.name && one.namespace === metadata?.namespace,
    );
  const deployments = items.filter((item) => item.kind === "Deployment").filter(isOurs);
  const rollouts = items.filter((item) => item.kind === "Rollout").filter(isOurs);
  const analyses = items.filter((item) => item.kind === "AnalysisRun");
  const pods = items.filter((item) => item.kind === "Pod");
  return { application, change, revisions, release, deployments, rollouts, analyses, pods };
}

async function releaseOf({ spec, status }: Application, commit: string, tip: string) {
  const { path = "" } = spec?.source ?? {};
  const overlay = `${path}/kustomization.yaml`;
  const imageAt = async (revision = "") => {
    const text = await textAt(revision, overlay).catch(() => "");
    return text ? imageIn(text) : undefined;
  };
  // Of a merge, what it merged: that is what images are built from.
  const source = await sourceCommit(path.split("/")[1] ?? "", commit);
  const bump: Bump | undefined = await bumpOf(source, tip, overlay);
  const [now, synced] = [await imageAt(tip), await imageAt(status?.sync?.revision)];
  const isTakenBack = bump && now && !(await isBuiltFrom(now, source));
  /** The commit that put an image without this commit in the bump's place. */
  const [takenBack]: (Commit | undefined)[] = isTakenBack
    ? await log(["-1", "-GnewTag", tip, "--", overlay])
    : [];
  return {
    bump,
    takenBack,
    /** The image's name and tag, whether it is built or not. */
    expected: `${now?.name ?? "an image"}:${await tagOf(source)}`,
    /** How the image ends that the overlay says at the revision that is synced. */
    synced: synced && (synced.digest ? `@${synced.digest}` : `:${synced.newTag}`),
  };
}

/** @returns the steps that a commit has to take in one Application; after one that is not done they say nothing */
export function stepsOf(seen: Observation): Step[] {
  const { release, deployments, rollouts } = seen;
  const application = seen.application.metadata.name;
  const workloads = [...deployments, ...rollouts];
  const namespace = workloads[0]?.metadata?.namespace;
  const way: [name: string, check: () => Finding][] = [["sync", () => synced(seen)]];
  if (release) way.unshift(["image", () => built(release)], ["bump", () => bumped(release)]);
  if (workloads.length > 0) way.push(["rollout", () => rolledOut(seen)]);
  let isReached = true;
  return way.map(([name, check]) => {
    const finding = isReached ? check() : waiting("");
    isReached = finding.state === "done";
    return { application, namespace, name, ...finding };
  });
}

type Release = NonNullable<Observation["release"]>;

const built = ({ bump, expected }: Release) =>
  bump ? done(bump.image) : waiting(`no commit names ${expected} yet, or a newer one`);

function bumped({ bump, takenBack }: Release): Finding {
  if (!takenBack) return done(`${short(bump?.sha)} ${bump?.subject ?? ""}`, bump?.time);
  return stopped(`taken back by ${short(takenBack.sha)} ${takenBack.subject}`, takenBack.time);
}

function synced(seen: Observation): Finding {
  const { spec, status = {} } = seen.application;
  const { sync, operationState, conditions = [], history = [] } = status;
  const { automated } = spec?.syncPolicy ?? {};
  const isThere = seen.revisions.has(sync?.revision ?? "");
  if (sync?.status === "Synced" && isThere)
    return done(state(seen.application), firstSync(seen)?.deployedAt);
  if (!automated || automated.enabled === false)
    return stopped(`auto-sync is off: what runs is of ${short(history.at(-1)?.revision)}`);
  const { phase = "", message, syncResult, operation } = operationState ?? {};
  // A retry is of whatever is newest by then, and leaves the operation's revision empty.
  const tried = syncResult?.revision || operation?.sync?.revision || "";
  const why = reasons(seen.application).join("; ");
  if (seen.revisions.has(tried) && ["Failed", "Error"].includes(phase)) return stopped(why);
  if (conditions.some(({ type }) => type.endsWith("Error"))) return waiting(why);
  const at = short(sync?.revision);
  if (!isThere) return waiting(`Argo CD is at ${at}, which does not have it`);
  const underWay = phase === "Running" && message ? `: ${message}` : "";
  return waiting(`${sync?.status} at ${at}${underWay}`);
}

/** The first sync that had the commit; undefined when Argo CD's memory does not reach that far back. */
function firstSync({ application, revisions }: Observation) {
  const { history = [] } = application.status ?? {};
  const index = history.findIndex(({ revision }) => revisions.has(revision));
  return index > 0 || history[0]?.id === 0 ? history[index] : undefined;
}

/** Of all Deployments and Rollouts: what is not done of the first such one, or else when the last one was done. */
function rolledOut(seen: Observation): Finding {
  const findings = [...seen.deployments, ...seen.rollouts].map(
    (one) => otherImage(one, seen) ?? ofWorkload(one, seen),
  );
  const left = findings.find((finding) => finding.state !== "done");
  if (left) return left;
  const what = findings.map((finding) => finding.what).join(", ");
  const end = latest(findings.map(({ at }) => at));
  const sync = firstSync(seen);
  // After a newer sync nobody knows what changed them.
  if (!sync || !end || sync !== seen.application.status?.history?.at(-1)) return done(what);
  // Pods that were there before stayed as they were.
  const isOlder = end < new Date(sync.deployStartedAt ?? sync.deployedAt);
  return done(what, isOlder ? sync.deployedAt : end);
}

const imagesOf = ({ spec }: IDeployment | Rollout) =>
  spec?.template.spec?.containers.map(({ image = "" }) => image) ?? [];

/** Of what image one is, and should not be. */
function otherImage(one: IDeployment | Rollout, { release }: Observation): Finding | undefined {
  const [images, { synced = "" }] = [imagesOf(one), release ?? {}];
  if (images.some((image) => image.endsWith(synced))) return undefined;
  return waiting(`${one.metadata?.name} is ${images.join(", ")}, and should be ${synced}`);
}

function ofWorkload(one: IDeployment | Rollout, seen: Observation): Finding {
  // Of the image by its digest: whoever runs it has checked that it is that one.
  const digests = imagesOf(one)
    .map((image) => image.split("@").at(-1))
    .join(", ");
  return one.kind === "Rollout"
    ? ofRollout(one as Rollout, seen, digests)
    : ofDeployment(one as IDeployment, seen.pods, digests);
}

/** As `kubectl rollout status` tells it. */
function ofDeployment(
  { metadata, spec, status }: IDeployment,
  pods: IPod[],
  digests: string,
): Finding {
  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  if (progress?.reason === "ProgressDeadlineExceeded")
    return stopped(`${progress.message ?? progress.reason}${problems(pods)}`);

  const isSeen = status?.observedGeneration === metadata?.generation;
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = isSeen ? (status ?? {}) : {};
  const wanted = spec?.replicas ?? 1;
  const counts = `${metadata?.name}: ${updatedReplicas} of ${wanted} updated`;
  if (!isSeen || [updatedReplicas, availableReplicas, replicas].some((count) => count !== wanted))
    return waiting(`${counts}, ${availableReplicas} available${problems(pods)}`);
  // Those answer until they have drained.
  const { terminatingReplicas = 0 } = status ?? {};
  if (terminatingReplicas > 0)
    return waiting(`${counts} and available, ${terminatingReplicas} terminating`);
  const isKnown = progress?.reason === "NewReplicaSetAvailable";
  return done(`${counts} and available, ${digests}`, isKnown ? progress.lastUpdateTime : undefined);
}
