/** A line of CODEOWNERS. */
export interface Rule {
  pattern: string;
  owners: string[];
}

/** The rules of CODEOWNERS, from its text. */
export const rules = (text: string): Rule[] =>
  text
    .split("\n")
    .filter((line) => line && !line.startsWith("#"))
    .map((line) => line.split(/ +/) as [pattern: string, ...owners: string[]])
    .map(([pattern, ...owners]) => ({ pattern, owners }));

/**
 * The patterns that we use, and no others: everything, and a folder from the root.
 * @throws Error for any other, rather than guess what it matches
 */
export function matches(pattern: string, file: string): boolean {
  if (pattern === "*") return true;
  if (!/^\/[\w./-]+\/$/.test(pattern)) throw new Error(`no such pattern is known here: ${pattern}`);
  return `/${file}`.startsWith(pattern);
}

/** Who owns a file: of the rules that match, the last one wins. */
export const owners = (rules: Rule[], file: string): string[] =>
  rules.findLast(({ pattern }) => matches(pattern, file))?.owners ?? [];
