// What the end-to-end tests found, in the form that the page of results draws: a table, and how to read it.
import type { Verdict } from "../../tools/pages/markdown.ts";
import { counted } from "../../tools/pages/numbers.ts";
import type { Result } from "../../tools/report/found.ts";

type Found = Pick<Result, "title" | "table" | "note">;

/** A table that says beforehand which calls get through. */
export interface Declared {
  rows: string[];
  columns: string[];
  /** What a cell says when calls get through, and when they do not. */
  words: { yes: string; no: string };
  /** Cells that are not tried, and why. */
  leftOut?: { row: string; column: string; why: string }[];
  /** How to read it. */
  note: string;
}

/** A call that was made: where in the table it stands, whether it should get through, and whether it did. */
export interface Call {
  row: string;
  column: string;
  /** Who called, where the row and the column do not say it. */
  from?: string;
  wanted: boolean;
  found: boolean;
  called: string;
  answered: string;
}

export function matrix(title: string, declared: Declared, calls: Call[]): Found {
  const { rows, columns, note } = declared;
  const cells = (row: string) => columns.map((column) => cell(declared, calls, row, column));
  const table = [[title, ...columns], ...rows.map((row) => [row, ...cells(row)])];
  return { title, table, note: `A cell opens to show its calls. ${note}` };
}

/** What is known of a cell of a declared table. Several calls can be about it. */
function cell({ words, leftOut }: Declared, all: Call[], row: string, column: string) {
  const isHere = (at: { row: string; column: string }) => at.row === row && at.column === column;
  const isWrong = ({ found, wanted }: Call) => found !== wanted;
  const here = all.filter(isHere).sort((one, other) => +isWrong(other) - +isWrong(one));
  const why = leftOut?.find(isHere)?.why;
  const [first] = here;
  if (!first) return why ? `— ${why}` : verdict("untried", "not tried");
  const word = (is: boolean) => (is ? words.yes : words.no);
  const calls = here.map((call) => {
    const { from = row, called, answered } = call;
    return `${isWrong(call) ? "⚠ " : ""}${from}: ${called}: ${answered}`;
  });
  if (!isWrong(first)) return verdict(first.found ? "yes" : "no", word(first.found), calls);
  const answers = [...new Set(here.map(({ found }) => word(found)))].join(" and ");
  return verdict("wrong", `WRONG: ${answers}; the table says ${word(first.wanted)}`, calls);
}

const verdict = (is: Verdict["is"], text: string, calls: string[] = []) => ({ is, text, calls });

/** Which tokens payment charges for: an answer begins with its status. */
export function tokens(
  title: string,
  items: { what: string; expected: number; answered: string }[],
): Found {
  const rows = items.map(({ what, expected, answered }) => {
    const isWrong = Number.parseInt(answered, 10) !== expected;
    if (isWrong) return [what, `${expected}`, verdict("wrong", `WRONG: ${answered}`)];
    return [what, `${expected}`, verdict(expected === 200 ? "yes" : "no", answered)];
  });
  return { title, table: [[title, "Expected", "Answered"], ...rows] };
}

/** Escape attempts, each of which was stopped. */
export function escapes(
  title: string,
  items: { what: string; layer: string; how: string; answered: string }[],
): Found {
  const rows = items
    .toSorted((one, other) => one.layer.localeCompare(other.layer))
    .map(({ what, layer, how, answered }) => [what, layer, how, verdict("no", answered)]);
  const note = `Merged: the change was committed, as if its review had let it through.
API: Argo CD was asked with the team's login.`;
  return { title, table: [[title, "Stopped by", "How", "Answered"], ...rows], note };
}

export function throughput(
  title: string,
  curve: { replicas: number; chargesPerSecond: number; cpuMicroseconds: number }[],
): Found {
  const rows = curve.map(({ replicas, chargesPerSecond, cpuMicroseconds }) => [
    counted(replicas, "replica"),
    chargesPerSecond.toFixed(0),
    `${cpuMicroseconds.toFixed(0)} µs`,
  ]);
  return { title, table: [[title, "Charges a second", "CPU of each charge"], ...rows] };
}
