import { median } from "../pages/numbers.ts";

/** A version that was there as of some time: said by Git, or run by Argo CD. */
export interface Seen {
  /** Its image's tag, which names its source commit. Another digest of the same tag is no other version. */
  tag: string;
  at: Date;
}

/** What Git and Argo CD know of one service in one environment, each the oldest first. */
export interface Records {
  service: string;
  environment: string;
  /** Each version that a commit set. */
  git: Seen[];
  /** Each version that a sync or a rollback brought; nothing without a cluster. */
  argocd: Seen[];
  /** When the source commit of a tag was made, of those that are known. */
  sources: Map<string, Date>;
}

/** A version of a service that went to an environment. */
export interface Deployment {
  service: string;
  environment: string;
  tag: string;
  /** When its source was committed. */
  sourceAt: Date;
  /** When Git first said so. */
  bumpedAt: Date | undefined;
  /** When it first ran. */
  liveAt: Date | undefined;
  /** When an older version was back in its place, if it was taken back. */
  restoredAt: Date | undefined;
}

/**
 * The versions that went to an environment, in the order in which they came. One that is deployed again after it
 * was taken back is the same deployment.
 */
export function deployments({ service, environment, git, argocd, sources }: Records): Deployment[] {
  const first = (seen: Seen[], tag: string) => seen.find((one) => one.tag === tag)?.at;
  // The order of Git's history: clocks may disagree.
  const order = [...new Set([...git, ...argocd].map(({ tag }) => tag))];
  return order.flatMap((tag) => {
    const sourceAt = sources.get(tag);
    if (!sourceAt) return []; // Not built from a commit: a placeholder, or somebody else's image.
    const [bumpedAt, liveAt] = [first(git, tag), first(argocd, tag)];
    const restoredAt = takenBack(argocd, tag, order) ?? takenBack(git, tag, order);
    return { service, environment, tag, sourceAt, bumpedAt, liveAt, restoredAt };
  });
}

/** When an older version first came right after this one. */
function takenBack(seen: Seen[], tag: string, order: string[]): Date | undefined {
  return seen.find(
    (one, index) => seen[index - 1]?.tag === tag && order.indexOf(one.tag) < order.indexOf(tag),
  )?.at;
}

/** When a deployment reached its environment: when it ran, as far as that is known. */
export const arrival = ({ liveAt, bumpedAt }: Deployment): Date => (liveAt ?? bumpedAt) as Date;

/** From the commit of its source until it ran, in seconds; until its bump, where no record says when it ran. */
export const leadTime = (deployment: Deployment): number =>
  seconds(deployment.sourceAt, arrival(deployment));

/** From when it ran until something older was back, in seconds; undefined for one that was not taken back. */
export const recoveryTime = (deployment: Deployment): number | undefined =>
  deployment.restoredAt && seconds(arrival(deployment), deployment.restoredAt);

/** Where clocks disagree, what came first can be dated last: that counts as at once. */
const seconds = (from: Date, to: Date) => Math.max(0, (+to - +from) / 1000);

const week = 7 * 24 * 3600 * 1000;

/**
 * Four of DORA's figures.
 * @param now until when deployments are counted
 * @returns times as medians in seconds, and a rate from 0 to 1; undefined where nothing is known
 */
export function figures(all: Deployment[], now: Date) {
  const begin = Math.min(...all.map((deployment) => +arrival(deployment)));
  const restored = all.map(recoveryTime).filter((value) => value !== undefined);
  return {
    deployments: all.length,
    // In the first week there is no telling what a week brings, but what it brought.
    perWeek: all.length === 0 ? undefined : all.length / Math.max(1, (+now - begin) / week),
    leadTime: median(all.map(leadTime)),
    failureRate: all.length === 0 ? undefined : restored.length / all.length,
    recoveryTime: median(restored),
  };
}
