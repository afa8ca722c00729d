import type { Manifest } from "../render/manifests.ts";
import type { Source } from "../render/sources.ts";
import { owners, type Rule } from "../repository/codeowners.ts";
import { type Change, compare } from "./changes.ts";

/** What becomes of what one Application deploys, or somebody applies by hand. */
export interface Part {
  /** See Source. */
  name: string;
  owners: string[];
  /** As it will be; as it was, where it is removed. Missing where it is applied by hand. */
  application: Manifest | undefined;
  changes: Change[];
  /** Why it cannot be rendered, if it cannot. */
  error?: string;
  /** What else there is to know, in sentences. */
  notes: string[];
}

/** With it, deleting an Application deletes what it deployed. */
const finalizer = "resources-finalizer.argocd.argoproj.io";

/**
 * @param rules who owns which folder
 * @param branch the branch that is merged into
 * @returns what becomes of every source of two commits, in the order in which they are found
 */
export function parts(before: Source[], after: Source[], rules: Rule[], branch: string): Part[] {
  const removed = before.filter(({ name }) => !after.some((other) => other.name === name));
  return [...after, ...removed].map((source) => {
    const old = before.find(({ name }) => name === source.name);
    const now = removed.includes(source) ? undefined : source;
    const { name, path, application } = source;
    return {
      name,
      owners: owners(rules, `${path}/file`),
      application,
      changes: changes(old, now),
      ...(now?.error !== undefined && { error: now.error }),
      notes: notes(old, now, branch),
    };
  });
}

function changes(old: Source | undefined, now: Source | undefined): Change[] {
  if (old && !now) return cascades(old) ? compare(old.objects ?? [], []) : [];
  // Where one side is not known, neither is the difference.
  if (!now?.objects || (old && !old.objects)) return [];
  return compare(old?.objects ?? [], now.objects);
}

function notes(old: Source | undefined, now: Source | undefined, branch: string): string[] {
  const found: string[] = [];
  if (old && !now) {
    const objects = `${old.objects?.length ?? "unknown"} objects`;
    if (!old.application) found.push("Is no longer applied by hand. Nothing deletes what was.");
    else if (cascades(old)) found.push(`The Application is removed, and its ${objects} with it.`);
    else found.push(`The Application is removed. Its ${objects} go on running as they are.`);
  }
  if (!old && now?.application) found.push("The Application is new.");
  if (old && !old.objects && now?.objects) {
    found.push("It did not render before, so what changes is not known.");
  }
  if (now && !now.application) found.push("Applied by hand: merging does not change it.");
  const { source, syncPolicy } = now?.application?.spec ?? {};
  const { targetRevision = "HEAD" } = source ?? {};
  if (now?.application && ![branch, "HEAD"].includes(targetRevision)) {
    found.push(`Reads ${targetRevision}: merging to ${branch} does not change it.`);
  }
  if (now?.application && (!syncPolicy?.automated || syncPolicy.automated.enabled === false)) {
    found.push("Auto-sync is off: nothing happens before somebody syncs.");
  }
  return found;
}

const cascades = ({ application }: Source) =>
  application?.metadata.finalizers?.some((name) => name.startsWith(finalizer)) ?? false;
