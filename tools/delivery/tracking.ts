import type { Image } from "../images/images.ts";
import { type Application, reasons } from "../kubernetes/cluster.ts";
import type { Bump, Commit } from "./history.ts";

/** One step of a commit's way to running pods. */
export interface Step {
  name: "commit" | "tests" | "image" | "bump" | "sync" | "rollout" | "serving";
  /**
   * stopped: it does not go on by itself. unknown: nobody here can tell, and nothing waits for it.
   */
  state: "done" | "waiting" | "stopped" | "unknown";
  /** What there is, or what it waits for. */
  what: string;
  /** When it was done, where that is known. */
  at?: Date;
}

/** What Git knows of one Application's share in a commit. */
export interface Share {
  /** Set when the commit changes the service's source: an image is built, and named by a bump. */
  source?: {
    /** The image's name so far as it is known before there is one. */
    expected: string;
    bump?: Bump | undefined;
    /** The commit that put an image without this commit in the bump's place. */
    takenBack?: Commit | undefined;
    /** What the overlay says at the revision that is synced. */
    image?: Image | undefined;
  };
  /** Of the revisions that the Application speaks of, those that have the bump, or else the commit. */
  revisions: Set<string>;
}

export interface Deployment {
  metadata: { name: string; namespace: string; generation: number };
  spec: {
    replicas: number;
    selector: { matchLabels: Record<string, string> };
    template: { spec: Pod["spec"] };
  };
  status: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    conditions?: { type: string; reason: string; message: string; lastUpdateTime: string }[];
  };
}

export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec: { containers: { image: string }[] };
  status: {
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: { state?: { waiting?: { reason: string; message?: string } } }[];
  };
}

/** What the cluster knows of an Application: Argo CD's word, and what runs. */
export interface Running {
  application: Application;
  deployments: Deployment[];
  pods: Pod[];
}

const short = (commit = "no commit") => commit.slice(0, 7);
const at = (time: Date | undefined): { at?: Date } => (time ? { at: time } : {});

/** What is found of a step. */
type Finding = Omit<Step, "name">;

/**
 * Where a commit is on its way through one Application. Steps after one that is not done say nothing.
 * @returns the steps that this commit has to take, in their order
 */
export function stepsOf(share: Share, running: Running): Step[] {
  const { source } = share;
  const way: [Step["name"], () => Finding][] = [["sync", () => synced(share, running.application)]];
  if (source) way.unshift(["image", () => built(source)], ["bump", () => bumped(source)]);
  if (running.deployments.length > 0) {
    way.push(
      ["rollout", () => rolledOut(share, running)],
      ["serving", () => serves(share, running)],
    );
  }
  let isReached = true;
  return way.map(([name, find]) => {
    const finding: Finding = isReached ? find() : { state: "waiting", what: "" };
    isReached = finding.state === "done";
    return { name, ...finding };
  });
}

function built({ bump, expected }: NonNullable<Share["source"]>): Finding {
  if (bump) return { state: "done", what: nameOf(bump.image) };
  return { state: "waiting", what: `no commit names ${expected} yet, or a newer one` };
}

function bumped({ bump, takenBack }: NonNullable<Share["source"]>): Finding {
  if (takenBack) {
    const what = `taken back by ${short(takenBack.sha)} ${takenBack.subject}`;
    return { state: "stopped", what, at: takenBack.time };
  }
  return { state: "done", what: `${short(bump?.sha)} ${bump?.subject}`, ...at(bump?.time) };
}

function synced({ revisions }: Share, application: Application): Finding {
  const { sync, health, operationState, conditions = [], history = [] } = application.status ?? {};
  const isBehind = !revisions.has(sync?.revision ?? "");
  if (sync?.status === "Synced" && !isBehind) {
    const first = firstEntry(revisions, application);
    const what = `Synced, ${health?.status ?? "Unknown"} at ${short(sync.revision)}`;
    return { state: "done", what, ...at(first && new Date(first.deployedAt)) };
  }
  if (application.spec?.syncPolicy?.automated?.enabled === false) {
    const what = `auto-sync is off: what runs is of ${short(history.at(-1)?.revision)}`;
    return { state: "stopped", what };
  }
  const { syncResult, operation } = operationState ?? {};
  // A retry is of whatever is newest by then, and leaves the operation's revision empty.
  const tried = syncResult?.revision || operation?.sync?.revision || "";
  const why = reasons(application);
  if (revisions.has(tried) && ["Failed", "Error"].includes(operationState?.phase ?? "")) {
    return { state: "stopped", what: why.join("; ") };
  }
  const errors = conditions.filter(({ type }) => type.endsWith("Error"));
  const what =
    errors.length > 0
      ? why.join("; ")
      : isBehind
        ? `Argo CD is at ${short(sync?.revision)}, which does not have it`
        : `${sync?.status} at ${short(sync?.revision)}${operationState?.phase === "Running" ? `: ${operationState.message}` : ""}`;
  return { state: "waiting", what };
}

/** The first deployment that had the commit; undefined when Argo CD's memory does not reach that far back. */
function firstEntry(revisions: Set<string>, { status }: Application) {
  const { history = [] } = status ?? {};
  const index = history.findIndex(({ revision }) => revisions.has(revision));
  const entry = history[index];
  return index > 0 || entry?.id === 0 ? entry : undefined;
}

/**
 * The time of what happened to the pods because of this commit: that of its sync where they could stay as
 * they were; unknown when something newer was deployed since.
 */
function ofThis(
  time: Date | undefined,
  { revisions }: Share,
  { application }: Running,
): Date | undefined {
  const first = firstEntry(revisions, application);
  if (!time || !first || application.status?.history?.at(-1) !== first) return undefined;
  const begin = new Date(first.deployStartedAt ?? first.deployedAt);
  return time >= begin ? time : new Date(first.deployedAt);
}

const progressing = ({ status }: Deployment) =>
  status.conditions?.find(({ type }) => type === "Progressing");

/** When the last rollout was over. */
function rolloutEnd(deployments: Deployment[]): Date | undefined {
  return latest(
    deployments.flatMap((deployment) => {
      const { reason, lastUpdateTime } = progressing(deployment) ?? {};
      return reason === "NewReplicaSetAvailable" && lastUpdateTime ? [lastUpdateTime] : [];
    }),
  );
}

function rolledOut(share: Share, running: Running): Finding {
  const wanted = share.source?.image;
  for (const deployment of running.deployments) {
    const { metadata, spec, status } = deployment;
    const images = imagesOf(spec.template);
    if (wanted && !images.some((image) => isImage(image, wanted))) {
      const what = `${metadata.name} is ${images.join(", ")}, and should be ${nameOf(wanted)}`;
      return { state: "waiting", what };
    }
    if (progressing(deployment)?.reason === "ProgressDeadlineExceeded") {
      const what = [progressing(deployment)?.message, ...troubles(running, deployment)].join("; ");
      return { state: "stopped", what };
    }
    const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
    const isSeen = status.observedGeneration === metadata.generation;
    if (
      !isSeen ||
      [updatedReplicas, availableReplicas, replicas].some((count) => count !== spec.replicas)
    ) {
      const updated = `${metadata.name}: ${isSeen ? updatedReplicas : 0} of ${spec.replicas} updated`;
      const what = [updated, ...troubles(running, deployment)].join("; ");
      return { state: "waiting", what };
    }
  }
  const what = running.deployments
    .map(({ metadata, spec }) => `${metadata.name}: ${spec.replicas} of ${spec.replicas} updated`)
    .join(", ");
  return { state: "done", what, ...at(ofThis(rolloutEnd(running.deployments), share, running)) };
}

function serves(share: Share, running: Running): Finding {
  const ready: string[] = [];
  const what: string[] = [];
  for (const deployment of running.deployments) {
    const pods = podsOf(running, deployment);
    const images = imagesOf(deployment.spec.template);
    // Whoever runs an image by its digest has checked that it is that one.
    const isRight = (pod: Pod) => images.join() === imagesOf(pod).join();
    const serving = pods.filter((pod) => readySince(pod) && isRight(pod));
    if (serving.length !== pods.length || pods.length !== deployment.spec.replicas) {
      const count = `${serving.length} of ${deployment.spec.replicas} pods of ${deployment.metadata.name} are ready and run it`;
      const why = [count, ...troubles(running, deployment)].join("; ");
      return { state: "waiting", what: why };
    }
    ready.push(...pods.map((pod) => readySince(pod) as string));
    const digests = images.map((image) => image.split("@").at(-1));
    what.push(`${pods.length} ${pods.length === 1 ? "pod" : "pods"} ready, ${digests.join(", ")}`);
  }
  // A pod that got ready after the rollout was over took the place of one that had been.
  const [lastReady, over] = [latest(ready), rolloutEnd(running.deployments)];
  const time = lastReady && over && over < lastReady ? over : lastReady;
  return { state: "done", what: what.join(", "), ...at(ofThis(time, share, running)) };
}

const imagesOf = ({ spec }: { spec: Pod["spec"] }): string[] =>
  spec.containers.map(({ image }) => image);

/** The pods of a Deployment that are not on their way out. */
function podsOf({ pods }: Running, { metadata, spec }: Deployment): Pod[] {
  return pods.filter(
    (pod) =>
      !pod.metadata.deletionTimestamp &&
      pod.metadata.namespace === metadata.namespace &&
      Object.entries(spec.selector.matchLabels).every(
        ([label, value]) => pod.metadata.labels?.[label] === value,
      ),
  );
}

/** Why containers do not start, such as "ImagePullBackOff: …". */
function troubles(running: Running, deployment: Deployment): string[] {
  const waiting = podsOf(running, deployment).flatMap(({ status }) =>
    (status.containerStatuses ?? []).flatMap(({ state }) => state?.waiting ?? []),
  );
  const serious = waiting.filter(
    ({ reason }) => !/^(ContainerCreating|PodInitializing)$/.test(reason),
  );
  return [...new Set(serious.map(({ reason, message = "" }) => `${reason}: ${message}`))];
}

function readySince({ status }: Pod): string | undefined {
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? ready.lastTransitionTime : undefined;
}

const latest = (times: string[]): Date | undefined =>
  times.length > 0 ? new Date(times.sort().at(-1) as string) : undefined;

/** Whether a Deployment's image is the overlay's: Kustomize may leave the tag out beside a digest. */
const isImage = (image: string, { name, newTag, digest }: Image) =>
  image.startsWith(name) && image.endsWith(digest ? `@${digest}` : `:${newTag}`);

function nameOf({ name, newTag, digest }: Image): string {
  return digest ? `${name}:${newTag}@${digest}` : `${name}:${newTag}`;
}

/** The steps of a commit through one Application. */
export interface Way {
  application: string;
  /** Where its pods are. */
  namespace: string;
  steps: Step[];
}

export const unfinished = (steps: Step[]): Step | undefined =>
  steps.find(({ state }) => state !== "done");

/** What keeps a commit from being live; undefined when nothing does. */
export function firstUnfinished(ways: Way[]): { way: Way; step: Step } | undefined {
  const left = ways.flatMap((way) => {
    const step = unfinished(way.steps);
    return step ? [{ way, step }] : [];
  });
  // What will not go on by itself is the worse news.
  return left.find(({ step }) => step.state === "stopped") ?? left[0];
}

/** When the last step of the last Application was done; undefined when one of them is not known. */
export function liveAt(ways: Way[]): Date | undefined {
  const times = ways.map(({ steps }) => steps.at(-1)?.at?.toISOString());
  return times.every((time) => time !== undefined) ? latest(times) : undefined;
}

/** What to do about a step that is not done. */
export function nextStep({ way, step }: { way: Way; step: Step }, isLocal: boolean): string {
  const { application, namespace } = way;
  switch (step.name) {
    case "image":
      return isLocal
        ? "make deploy builds it."
        : "The workflow that builds images says why there is none.";
    case "bump":
      return "Only a newer commit moves forward, or a revert of that one.";
    case "sync":
      return step.state === "stopped"
        ? "docs/operations.md says what to do."
        : `Argo CD looks every two to three minutes, or now: kubectl -n argocd annotate application ${application} argocd.argoproj.io/refresh=normal --overwrite`;
    default:
      return `What the pods say: kubectl -n ${namespace} describe pods, and kubectl -n ${namespace} logs deployment/${application}`;
  }
}

/** A run of GitHub's checks of a commit. */
export interface CheckRun {
  name: string;
  status: string;
  conclusion: string | null;
  completed_at: string | null;
}

/** What the tests said of a commit. Nothing waits for it: they decide before a merge, not after. */
export function testsStep(runs: CheckRun[]): Step {
  const name = "tests";
  if (runs.length === 0) return { name, state: "unknown", what: "GitHub ran none for this commit" };
  const failed = runs.filter(
    ({ status, conclusion }) =>
      status === "completed" && !["success", "neutral", "skipped"].includes(conclusion ?? ""),
  );
  const list = (some: CheckRun[]) => some.map((run) => run.name).join(", ");
  if (failed.length > 0) return { name, state: "stopped", what: `failed: ${list(failed)}` };
  const left = runs.filter(({ status }) => status !== "completed");
  if (left.length > 0) return { name, state: "waiting", what: `under way: ${list(left)}` };
  const time = latest(runs.flatMap(({ completed_at }) => completed_at ?? []));
  return { name, state: "done", what: list(runs), ...at(time) };
}

/**
 * Whether a commit concerns an Application, by the paths it changes.
 * @param path the folder that the Application reads
 * @param files the paths that the commit changes
 */
export function concerns(path: string, files: string[]): "source" | "manifests" | undefined {
  const [top = "", service = ""] = path.split("/");
  const touches = (...folders: string[]) =>
    files.some((file) => folders.some((folder) => file.startsWith(`${folder}/`)));
  if (top !== "apps") {
    const rest = path.endsWith("/argocd")
      ? ["argocd/install", "argocd/deployers"]
      : ["clusters/base", "clusters/repository", "argocd/projects"];
    return touches(path, ...rest) ? "manifests" : undefined;
  }
  if (touches(`${service}-service`, "packages") || files.includes("package-lock.json"))
    return "source";
  const own = ["base", "components"].map((folder) => `apps/${service}/${folder}`);
  return touches(path, ...own) ? "manifests" : undefined;
}
