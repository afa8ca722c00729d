import { readFileSync } from "node:fs";

/**
 * @param file of Markdown
 * @returns its parts: each title, and the shell commands under it, block by block
 */
export const commandsOf = (file: string): Record<string, string[]> =>
  Object.fromEntries(
    readFileSync(file, "utf8")
      .split(/^## /m)
      .slice(1)
      .map((part) => [
        part.slice(0, part.indexOf("\n")),
        [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands as string),
      ]),
  );

export const runbook = commandsOf("docs/runbook.md");
