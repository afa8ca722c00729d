import type { IPod } from "kubernetes-models/v1";

/** One step of a commit on its way to running pods. */
export interface Step {
  /** The Application through which it goes, and where its pods are. */
  application?: string;
  namespace?: string | undefined;
  name: string;
  /** stopped: it does not go on by itself. unknown: nobody here can tell, and nothing waits for it. */
  state: "done" | "waiting" | "stopped" | "unknown";
  /** What there is, or what it waits for. */
  what: string;
  /** When it was done, where that is known. */
  at?: Date | undefined;
}

type Time = Date | string | null | undefined;
export type Finding = Pick<Step, "state" | "what" | "at">;
const found =
  (state: Step["state"]) =>
  (what: string, at?: Time): Finding => ({ state, what, at: latest([at]) });
export const [done, waiting, stopped] = [found("done"), found("waiting"), found("stopped")];

export const short = (commit = "no commit"): string => commit.slice(0, 7);

/** Why containers do not start, such as "; payment-6c9c7-x ImagePullBackOff: …"; empty when nothing is known. */
export const problems = (pods: IPod[]): string =>
  pods
    .flatMap(({ metadata, status }) =>
      (status?.containerStatuses ?? []).map(({ state }) => ({ ...state?.waiting, ...metadata })),
    )
    .filter(({ reason }) => reason && !/^(ContainerCreating|PodInitializing)$/.test(reason))
    .map(({ name, reason, message = "" }) => `; ${name} ${reason}: ${message}`)
    .join("");

/** @returns undefined when no time is known */
export function latest(times: Time[]): Date | undefined {
  const known = times.filter((time) => time != null).map((time) => +new Date(time));
  return known.length > 0 ? new Date(Math.max(...known)) : undefined;
}
