// A gh that answers from a table, and remembers what it was asked.
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ExecutionContext } from "ava";

/** What gh was asked: its arguments, with spaces between them, and its standard input. */
interface Call {
  args: string;
  input: string;
}

interface Failure {
  code: number;
  stderr: string;
}

/** What gh prints, a text or JSON; or how it fails. */
type Answer = string | object | Failure;

const isFailure = (answer: Answer): answer is Failure =>
  typeof answer === "object" && "code" in answer;

/**
 * Answers by a part of the arguments, of which the first that fits counts. They are given one after the other,
 * and the last one from then on. What is in no row fails.
 */
export type Table = Record<string, Answer[]>;

/** gh with a token. */
export const signedIn: Table = { "auth token": ["gho_a-token"] };

/** How gh fails when GitHub refuses. */
export const httpError = (status: number, message: string): Failure => ({
  code: 1,
  stderr: `gh: ${message} (HTTP ${status})`,
});

export interface FakeGh {
  /** To be put first on the PATH. */
  folder: string;
  /** What it was asked, without whether it has a token. */
  calls(): Call[];
}

/** @param table of answers, as they are while gh runs */
export function fakeGh(t: ExecutionContext, table: Table): FakeGh {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "table.json"), JSON.stringify(table));
  const command = [process.execPath, import.meta.filename, folder].map((word) => `"${word}"`);
  writeFileSync(join(folder, "gh"), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`);
  chmodSync(join(folder, "gh"), 0o755);
  return { folder, calls: () => callsIn(folder).filter(({ args }) => args !== "auth token") };
}

function callsIn(folder: string): Call[] {
  const file = join(folder, "calls");
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  return lines.map((line) => JSON.parse(line));
}

async function main([folder = "", ...words]: string[]): Promise<void> {
  const args = words.join(" ");
  const input = words.includes("-") ? await text(process.stdin) : "";
  const before = callsIn(folder);
  appendFileSync(join(folder, "calls"), `${JSON.stringify({ args, input })}\n`);
  const table: Table = JSON.parse(readFileSync(join(folder, "table.json"), "utf8"));
  const [key = "", answers = []] = Object.entries(table).find(([key]) => args.includes(key)) ?? [];
  const turn = before.filter((call) => call.args.includes(key)).length;
  const answer = answers[turn] ?? answers.at(-1) ?? { code: 1, stderr: `no answer to ${args}` };
  if (isFailure(answer)) {
    console.error(answer.stderr);
    process.exitCode = answer.code;
  } else console.log(typeof answer === "string" ? answer : JSON.stringify(answer));
}

if (import.meta.main) await main(process.argv.slice(2));
