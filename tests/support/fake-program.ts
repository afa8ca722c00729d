// A program, such as gh or kubectl, that answers from a table and remembers what it was asked.
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { temporary } from "./temporary.ts";

/** What it was asked: its arguments, with spaces between them, and its standard input. */
interface Call {
  args: string;
  input: string;
}

export interface Failure {
  code: number;
  stderr: string;
}

/** What it prints, a text or JSON; or how it fails. */
type Answer = string | object | Failure;

const isFailure = (answer: Answer): answer is Failure =>
  typeof answer === "object" && "code" in answer;

/**
 * Answers by a part of the arguments, of which the first that fits counts. They are given one after the other,
 * and the last one from then on. What is in no row fails.
 */
export type Table = Record<string, Answer[]>;

export interface FakeProgram {
  /** To be put first on the PATH. */
  folder: string;
  calls(): Call[];
  /** Begins anew, with other answers. */
  set(table: Table): void;
}

/** @param folder where it is put; one that others are in may be given */
export function fakeProgram(name: string, table: Table, folder = temporary()): FakeProgram {
  const own = temporary();
  const set = (answers: Table) => {
    // Renamed into place: it may be running.
    writeFileSync(join(own, "table.new"), JSON.stringify(answers));
    renameSync(join(own, "table.new"), join(own, "table.json"));
    rmSync(join(own, "calls"), { force: true });
  };
  set(table);
  const command = [process.execPath, import.meta.filename, own].map((word) => `"${word}"`);
  writeFileSync(join(folder, name), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`, { mode: 0o755 });
  return { folder, calls: () => callsIn(own), set };
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
