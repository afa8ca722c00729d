import { isDeepStrictEqual } from "node:util";
import type { Repository } from "../support/repository.ts";

/** What must be so, of this repository or of a changed copy: each offence in a sentence; none is as it should be. */
export type Rule = (repository: Repository) => string[] | Promise<string[]>;

/** One offence, unless the condition holds. */
export const check = (holds: unknown, offence: string): string[] => (holds ? [] : [offence]);

/** One offence, unless two values are the same. */
export const same = (what: string, actual: unknown, expected: unknown): string[] =>
  check(
    isDeepStrictEqual(actual, expected),
    `${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`,
  );

/** The offences of all items, in their order. */
export async function each<T>(
  items: Iterable<T>,
  offences: (item: T) => string[] | Promise<string[]>,
): Promise<string[]> {
  return (await Promise.all(Array.from(items, offences))).flat();
}
