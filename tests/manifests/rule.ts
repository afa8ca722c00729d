import { isDeepStrictEqual } from "node:util";
import type { Edit } from "../support/edits.ts";
import type { Repository } from "../support/repository.ts";

/** What must hold in this repository, beside the mistakes that show that it is checked. */
export interface Rule {
  /** A sentence that says what holds. People read it when the rule fails. */
  title: string;
  /** @returns each violation in a sentence, of this repository or of a changed copy */
  check: (repository: Repository) => string[] | Promise<string[]>;
  /** Each rule has at least one: a rule that finds nothing proves nothing. */
  mutations: [Mutation, ...Mutation[]];
}

/** A mistake, or an attack, that somebody could merge. */
export type Mutation = Edit & {
  /** The violation that the rule then finds. */
  says: RegExp;
};

/** One violation, unless the condition holds. */
export const unless = (holds: unknown, violation: string): string[] => (holds ? [] : [violation]);

/** One violation, unless two values are the same. */
export const same = (what: string, actual: unknown, expected: unknown): string[] =>
  unless(
    isDeepStrictEqual(actual, expected),
    `${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`,
  );

/** The violations of all items, in their order. */
export async function each<T>(
  items: Iterable<T>,
  violations: (item: T) => string[] | Promise<string[]>,
): Promise<string[]> {
  return (await Promise.all(Array.from(items, violations))).flat();
}
