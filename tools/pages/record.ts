import { mkdirSync, writeFileSync } from "node:fs";

/** Keeps what was found, for the page that make report writes. */
export function record(name: string, found: object): void {
  mkdirSync("report", { recursive: true });
  writeFileSync(`report/${name}.json`, JSON.stringify(found, null, 2));
}
