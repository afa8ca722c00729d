import type { IPod } from "kubernetes-models/v1";
import { done, type Finding, problems, stopped, waiting } from "./steps.ts";

/** What we read of a Rollout of Argo Rollouts. */
export interface Rollout {
  kind: "Rollout";
  metadata: { name: string; namespace: string; generation: number };
  spec: { replicas?: number; template: { spec: { containers: { image?: string }[] } } };
  status?: {
    /** A number, as a text. */
    observedGeneration?: string;
    phase?: "Healthy" | "Progressing" | "Paused" | "Degraded";
    message?: string;
    currentPodHash?: string;
    /** The version that has the Service. */
    blueGreen?: { activeSelector?: string };
    updatedReplicas?: number;
    conditions?: { type: string; status: string; lastTransitionTime: string }[];
  };
}

/** What we read of an analysis of a release. */
export interface AnalysisRun {
  kind: "AnalysisRun";
  metadata: { name: string; labels?: Record<string, string> };
  status?: {
    metricResults?: {
      name: string;
      phase: string;
      measurements?: { value?: string; message?: string }[];
    }[];
  };
}

/** What Argo Rollouts knows the pods of a version by, and their analyses. */
const version = "rollouts-pod-template-hash";

interface Seen {
  pods: IPod[];
  analyses: AnalysisRun[];
}

/**
 * Where a release is, as Argo Rollouts tells it: done is one that has passed its analyses, and whose predecessor's pods are
 * gone.
 */
export function ofRollout(
  { metadata: { name, generation }, spec, status = {} }: Rollout,
  { pods, analyses }: Seen,
  digests: string,
): Finding {
  const { phase, message, currentPodHash = "", updatedReplicas = 0, conditions = [] } = status;
  if (status.observedGeneration !== `${generation}`)
    return waiting(`${name}: Argo Rollouts has not seen it yet`);
  const counts = `${name}: ${updatedReplicas} of ${spec.replicas ?? 1} updated`;
  const why = `${message ? `, ${message}` : ""}${measured(analyses, currentPodHash)}${verdicts(pods)}${problems(pods)}`;
  if (phase === "Degraded") return stopped(`${counts}${why}`);
  if (phase === "Paused") return stopped(`${counts}, and a person decides${why}`);
  if (phase !== "Healthy") return waiting(`${counts}${why}`);
  // Those answer until they have drained.
  const old = pods.filter(({ metadata }) => {
    const hash = metadata?.labels?.[version];
    return hash && hash !== currentPodHash;
  });
  const left = old.filter(({ status }) => !/^(Failed|Succeeded)$/.test(status?.phase ?? ""));
  if (left.length > 0) return waiting(`${counts} and passed, ${left.length} old pods end`);
  const completed = conditions.find(
    ({ type, status }) => type === "Completed" && status === "True",
  );
  return done(`${counts} and passed, ${digests}`, completed?.lastTransitionTime);
}

/** What the analyses of a version have measured so far that did not pass, such as "; failed-charges Failed: [12.5]". */
const measured = (analyses: AnalysisRun[], hash: string): string =>
  analyses
    .filter(({ metadata }) => metadata.labels?.[version] === hash)
    .flatMap(({ status }) => status?.metricResults ?? [])
    .filter(({ phase }) => phase !== "Successful")
    .map(({ name, phase, measurements = [] }) => {
      const { value = "", message = "" } = measurements.at(-1) ?? {};
      return `; ${name} ${phase}: ${message || value}`.replace(/: $/, "");
    })
    .join("");

/** What the Jobs of analyses say is wrong, of those that have failed. */
const verdicts = (pods: IPod[]): string =>
  pods
    .filter(({ metadata, status }) => {
      const isOfAnalysis = metadata?.labels?.["analysisrun.argoproj.io/uid"] !== undefined;
      return isOfAnalysis && status?.phase === "Failed";
    })
    .flatMap(({ status }) =>
      (status?.containerStatuses ?? []).flatMap(({ state }) =>
        (state?.terminated?.message ?? "").split("\n").filter((line) => /^(wrong|no)/.test(line)),
      ),
    )
    .map((line) => `; ${line}`)
    .join("");
