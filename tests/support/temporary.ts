import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made: string[] = [];
process.once("exit", () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** @returns an empty folder, which goes when the test's process does */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  made.push(folder);
  return folder;
}
