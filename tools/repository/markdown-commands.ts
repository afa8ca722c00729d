import { readFileSync } from "node:fs";

/**
 * The shell commands that a document tells people to type, so that tests and commands run the same ones.
 * @param file of Markdown
 * @param heading of the second level
 * @returns the text of each block of shell under it
 * @throws Error without such a heading, or without a command there: what is not there must not seem to succeed
 */
export function commandsUnder(file: string, heading: string): string[] {
  const section = readFileSync(file, "utf8")
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`));
  const blocks = [...(section ?? "").matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, commands]) => commands as string,
  );
  if (blocks.length === 0) throw new Error(`${file} has no commands under "${heading}"`);
  return blocks;
}

/** The commands of the operations guide under a heading. */
export const operations = (heading: string): string[] =>
  commandsUnder("docs/operations.md", heading);
