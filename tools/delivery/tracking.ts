import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPod } from "kubernetes-models/v1";
import { type Application, reasons, state } from "../kubernetes/cluster.ts";
import type { Bump, Commit } from "./history.ts";

/** One step of a commit on its way to running pods. */
export interface Step {
  name: string;
  /** stopped: it does not go on by itself. unknown: nobody here can tell, and nothing waits for it. */
  state: "done" | "waiting" | "stopped" | "unknown";
  /** What there is, or what it waits for. */
  what: string;
  /** When it was done, where that is known. */
  at?: Date | undefined;
}

/** What Git and the cluster say of a commit and one Application. */
export interface Observation {
  application: Application;
  /** Of the revisions that the Application speaks of, those that have the bump, or else the commit. */
  revisions: Set<string>;
  /** Set when the commit changes the service's source. */
  release?: Release | undefined;
  deployments: IDeployment[];
  /** All in the Deployments' namespaces. */
  pods: IPod[];
}

export interface Release {
  /** The image's name and tag, whether it is built or not. */
  expected: string;
  bump?: Bump | undefined;
  /** The commit that put an image without this commit in the bump's place. */
  takenBack?: Commit | undefined;
  /** How the image ends that the overlay says at the revision that is synced: with `@` and its digest. */
  synced?: string | undefined;
}

type Finding = Omit<Step, "name">;
const found = (state: Step["state"]) => (what: string, at?: Date) => ({ state, what, at });
const [done, waiting, stopped] = [found("done"), found("waiting"), found("stopped")];

export const short = (commit = "no commit"): string => commit.slice(0, 7);

/** @returns the steps that a commit has to take in one Application; after one that is not done they say nothing */
export function stepsOf(seen: Observation): Step[] {
  const { release, deployments } = seen;
  const way: [name: string, check: () => Finding][] = [["sync", () => synced(seen)]];
  if (release) way.unshift(["image", () => built(release)], ["bump", () => bumped(release)]);
  if (deployments.length > 0) way.push(["rollout", () => rolledOut(seen)]);
  let isReached = true;
  return way.map(([name, check]) => {
    const finding: Finding = isReached ? check() : waiting("");
    isReached = finding.state === "done";
    return { name, ...finding };
  });
}

const built = ({ bump, expected }: Release): Finding =>
  bump ? done(bump.image) : waiting(`no commit names ${expected} yet, or a newer one`);

function bumped({ bump, takenBack }: Release): Finding {
  if (!takenBack) return done(`${short(bump?.sha)} ${bump?.subject ?? ""}`, bump?.time);
  return stopped(`taken back by ${short(takenBack.sha)} ${takenBack.subject}`, takenBack.time);
}

function synced(seen: Observation): Finding {
  const { spec, status = {} } = seen.application;
  const { sync, operationState, conditions = [], history = [] } = status;
  const isBehind = !seen.revisions.has(sync?.revision ?? "");
  if (sync?.status === "Synced" && !isBehind) {
    return done(state(seen.application), latest([firstSync(seen)?.deployedAt]));
  }
  const automated = spec?.syncPolicy?.automated;
  if (!automated || automated.enabled === false) {
    return stopped(`auto-sync is off: what runs is of ${short(history.at(-1)?.revision)}`);
  }
  const { phase = "", message = "", syncResult, operation } = operationState ?? {};
  // A retry is of whatever is newest by then, and leaves the operation's revision empty.
  const tried = syncResult?.revision || operation?.sync?.revision || "";
  const why = reasons(seen.application).join("; ");
  if (seen.revisions.has(tried) && ["Failed", "Error"].includes(phase)) return stopped(why);
  if (conditions.some(({ type }) => type.endsWith("Error"))) return waiting(why);
  if (isBehind) return waiting(`Argo CD is at ${short(sync?.revision)}, which does not have it`);
  const underWay = phase === "Running" && message ? `: ${message}` : "";
  return waiting(`${sync?.status} at ${short(sync?.revision)}${underWay}`);
}

/** The first sync that had the commit; undefined when Argo CD's memory does not reach that far back. */
function firstSync({ application, revisions }: Observation) {
  const { history = [] } = application.status ?? {};
  const index = history.findIndex(({ revision }) => revisions.has(revision));
  return index > 0 || history[0]?.id === 0 ? history[index] : undefined;
}

/** Of all Deployments: what is not done of the first such one, or else when the last one was done. */
function rolledOut(seen: Observation): Finding {
  const findings = seen.deployments.map((deployment) => ofDeployment(deployment, seen));
  const left = findings.find((finding) => finding.state !== "done");
  if (left) return left;
  const sync = firstSync(seen);
  const end = latest(findings.map(({ at }) => at));
  // Pods that were there before stayed as they were. After a newer sync nobody knows what changed them.
  const isLast = sync && sync === seen.application.status?.history?.at(-1);
  const isOlder = sync && end && end < new Date(sync.deployStartedAt ?? sync.deployedAt);
  const at = isOlder ? new Date(sync.deployedAt) : end;
  return done(findings.map(({ what }) => what).join(", "), isLast ? at : undefined);
}

/** As `kubectl rollout status` tells it, of the image that Git says. */
function ofDeployment({ metadata, spec, status }: IDeployment, seen: Observation): Finding {
  const images = spec?.template.spec?.containers.map(({ image = "" }) => image) ?? [];
  const { synced = "" } = seen.release ?? {};
  if (!images.some((image) => image.endsWith(synced)))
    return waiting(`${metadata?.name} is ${images.join(", ")}, and should be ${synced}`);

  const progress = status?.conditions?.find(({ type }) => type === "Progressing");
  if (progress?.reason === "ProgressDeadlineExceeded")
    return stopped(`${progress.message ?? progress.reason}${problems(seen)}`);

  const isSeen = status?.observedGeneration === metadata?.generation;
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = isSeen ? (status ?? {}) : {};
  // Those answer until they have drained.
  const { terminatingReplicas = 0 } = status ?? {};
  const wanted = spec?.replicas ?? 1;
  const counts = `${metadata?.name}: ${updatedReplicas} of ${wanted} updated`;
  // Of the image by its digest: whoever runs it has checked that it is that one.
  const isOver = [updatedReplicas, availableReplicas, replicas].every((count) => count === wanted);
  if (isSeen && isOver && terminatingReplicas > 0)
    return waiting(`${counts} and available, ${terminatingReplicas} terminating`);
  if (isSeen && isOver) {
    const digests = images.map((image) => image.split("@").at(-1)).join(", ");
    const isKnown = progress?.reason === "NewReplicaSetAvailable";
    return done(
      `${counts} and available, ${digests}`,
      latest(isKnown ? [progress.lastUpdateTime] : []),
    );
  }
  return waiting(`${counts}, ${availableReplicas} available${problems(seen)}`);
}

/** Why containers do not start, such as "; payment-6c9c7-x ImagePullBackOff: …"; empty when nothing is known. */
function problems({ pods }: Observation): string {
  return pods
    .flatMap(({ metadata, status }) =>
      (status?.containerStatuses ?? []).map(({ state }) => ({ ...state?.waiting, ...metadata })),
    )
    .filter(({ reason }) => reason && !/^(ContainerCreating|PodInitializing)$/.test(reason))
    .map(({ name, reason, message = "" }) => `; ${name} ${reason}: ${message}`)
    .join("");
}

/** @returns undefined when no time is known */
export function latest(times: (Date | string | null | undefined)[]): Date | undefined {
  const known = times.filter((time) => time != null).map((time) => +new Date(time));
  return known.length > 0 ? new Date(Math.max(...known)) : undefined;
}
