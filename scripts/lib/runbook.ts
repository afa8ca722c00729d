import { readFileSync } from "node:fs";

/** The parts of docs/runbook.md: each title, and the shell commands under it, block by block. */
export const runbook: Record<string, string[]> = Object.fromEntries(
  readFileSync("docs/runbook.md", "utf8")
    .split(/^## /m)
    .slice(1)
    .map((part) => [
      part.slice(0, part.indexOf("\n")),
      [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands as string),
    ]),
);
