import { deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";

/** What we read of a ruleset, as GitHub exports and imports it, and as its REST API takes it. */
export interface Ruleset {
  name: string;
  rules?: { type: string; parameters?: Record<string, unknown> }[];
  [field: string]: unknown;
}

const read = (name: string): Ruleset =>
  JSON.parse(readFileSync(`.github/rulesets/${name}.json`, "utf8"));

/**
 * Who may merge what, .github/CODEOWNERS says who owns which path; and what nobody may do to the history of main.
 * @param bumpApp the App ID of the one GitHub App that pushes bumps without a pull request; without one nobody may
 */
export function rulesets(bumpApp?: number): [merges: Ruleset, history: Ruleset] {
  const merges = read("merges");
  const actor = { actor_id: bumpApp, actor_type: "Integration", bypass_mode: "always" };
  return [
    bumpApp === undefined ? merges : { ...merges, bypass_actors: [actor] },
    // Apart, because who may bypass a ruleset may bypass all of it.
    read("history"),
  ];
}

/** @returns what GitHub has (+) in place of ours (-), as a diff; nothing when it is as it should be */
export function differences(github: Ruleset, ours: Ruleset): string {
  try {
    deepStrictEqual(comparable(github, ours), comparable(ours, ours));
    return "";
  } catch (error) {
    return (error as Error).message.replace(/^.*\n/, "");
  }
}

/** A value without the fields that ours does not mention, which are GitHub's to fill in; lists in one order. */
function comparable(value: unknown, ours: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(ours)) {
    const wanted = sorted(ours);
    return sorted(value).map((item, index) => comparable(item, wanted[index]));
  }
  if (!isObject(value) || !isObject(ours)) return value;
  return Object.fromEntries(
    Object.keys(ours).map((key) => [key, comparable(value[key], ours[key])]),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const sorted = (list: unknown[]) => list.toSorted((a, b) => name(a).localeCompare(name(b)));

/** What tells an item of a list from the others: a rule, a check, or a word. */
const name = (item: unknown): string =>
  String(isObject(item) ? (item.type ?? item.context ?? item.actor_id) : item);
