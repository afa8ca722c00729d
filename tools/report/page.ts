import type { Chart } from "../pages/chart.ts";
import type { Blocks, Page } from "../pages/layout.ts";
import { type Cell, plain, table, verdict } from "../pages/markdown.ts";
import { counted, minute } from "../pages/numbers.ts";
import type { Call, Callers, Drill, Escapes, Found, Matrix, Recorded, Scale } from "./found.ts";

export function page(found: Found, written: Date): Page {
  const { run: _, ...recorded } = found;
  const heads = Object.values(recorded).map(({ head }: Recorded) => head);
  const known = [...new Set(heads.filter((head) => head !== undefined))];
  const partly = known.length > 0 && heads.includes(undefined) ? ", of the parts that say it" : "";
  // They need not be of one run.
  const times = Object.values(found).map(time).sort();
  return {
    title: "What make e2e found",
    blocks: [
      judged(found).markdown,
      `Commit under test${partly}: ${plain(known.join(", ") || "not recorded")}.`,
      `Recorded from ${times[0]} to ${times.at(-1)}. Written ${minute(written)}.`,
      ...section("Permissions", found.permissions, matrixPart),
      ...section("Network", found.network, matrixPart),
      ...section("Callers", found.caller, callersPart),
      ...section("Escape attempts", found.escapes, escapesPart),
      ...section("Drills", drillsOf(found), drillsPart),
      ...section("Throughput", found.scale, scalePart),
    ],
  };
}

const drillsOf = (found: Found): Drill[] =>
  Object.entries(found).flatMap(([name, drill]) => (name.startsWith("drill-") ? drill : []));

const time = ({ at }: Recorded) => minute(new Date(at));

/** All of it in one line. Good is only a run that came to a good end. */
export function judged(found: Found) {
  const { run, permissions, network, caller, escapes } = found;
  const drills = drillsOf(found);
  const answered = drills.reduce((sum, { answered = 0 }) => sum + answered, 0);
  const failed = drills.flatMap(({ failed = [] }) => failed).length;
  const charges = `${counted(answered, "charge")} answered, ${failed} failed`;
  const parts = [
    permissions && counted(permissions.calls.length, "permission cell"),
    network && counted(network.calls.length, "network cell"),
    caller && counted(caller.items.length, "token"),
    escapes && counted(escapes.items.length, "escape attempt"),
    drills.length > 0 && `${counted(drills.length, "drill")} (${charges})`,
  ];
  const matrices = [permissions ?? [], network ?? []].flat();
  const wrongCalls = matrices.flatMap(({ calls }) => calls.filter(isWrong));
  const wrong = wrongCalls.length + (caller?.items.filter(isWrongAnswer).length ?? 0);
  const untried = matrices.reduce((sum, matrix) => sum + untriedIn(matrix), 0);
  const not = untried > 0 && counted(untried, "cell not tried", "cells not tried");
  const tried = [...parts, not].filter(Boolean).join(", ");
  const far = parts.every(Boolean) && !untried ? "" : ", as far as it was tried";
  const good = run?.exitCode === 0;
  const end = run
    ? `The run failed (exit code ${run.exitCode})`
    : "The run did not come to its end";

  if (wrong) return verdict("wrong", `${wrong} WRONG, of ${tried}.${good ? "" : ` ${end}.`}`);
  if (!good)
    return verdict("wrong", `${end}. Nothing is wrong of what it recorded: ${tried || "nothing"}.`);
  return tried
    ? verdict("yes", `As it should be${far}: ${tried}.`)
    : verdict("wrong", "Nothing was tried.");
}

const isWrong = ({ found, wanted }: Call) => found !== wanted;

const isWrongAnswer = ({ expected, answered }: Callers["items"][number]) =>
  Number.parseInt(answered, 10) !== expected;

function untriedIn({ rows, columns, calls, leftOut = [] }: Matrix): number {
  const tried = new Set([...calls, ...leftOut].map(({ row, column }) => `${row} → ${column}`));
  return rows.length * columns.length - tried.size;
}

/** A part of the page, or that the run left nothing for it. */
function section<Part extends Recorded>(
  name: string,
  found: Part | Part[] | undefined,
  blocks: (...all: Part[]) => Blocks,
): Blocks {
  const all = [found ?? []].flat() as Part[];
  const last = all.at(-1);
  if (!last) return [`## ${name}`, "Left out: there is no record of it in report/e2e."];
  const of = last.head ? `, of ${plain(last.head)}` : "";
  return [`## ${name}`, ...blocks(...all), `Recorded ${time(last)}${of}.`];
}

function matrixPart(matrix: Matrix): Blocks {
  const { title, rows, columns, words, calls, note } = matrix;
  const wrong = calls.filter(isWrong).length;
  const are = wrong ? `⚠ ${wrong} WRONG` : "all as the table says";
  return [
    `${counted(calls.length, "call")}: ${are}. ✓ ${words.yes}, ✕ ${words.no}. A cell opens to show its calls.`,
    table([
      [title, ...columns],
      ...rows.map((row) => [row, ...columns.map((column) => cell(matrix, row, column))]),
    ]),
    note,
  ];
}

/** What is known of a cell of a declared table. Several calls can be about it. */
function cell(matrix: Matrix, row: string, column: string): Cell {
  const isHere = (at: { row: string; column: string }) => at.row === row && at.column === column;
  const calls = matrix.calls.filter(isHere).sort((one, other) => +isWrong(other) - +isWrong(one));
  const leftOut = matrix.leftOut?.find(isHere);
  const [first] = calls;
  if (!first) return leftOut ? `— ${leftOut.why}` : "? not tried";
  const word = (is: boolean) => (is ? matrix.words.yes : matrix.words.no);
  const list = calls.map((call) => {
    const { from = row, called, answered } = call;
    return `${isWrong(call) ? "⚠ " : ""}${from}: ${called}: ${answered}`;
  });
  if (!calls.some(isWrong)) return verdict(first.found ? "yes" : "no", word(first.found), list);
  const answers = [...new Set(calls.map(({ found }) => word(found)))].join(" and ");
  return verdict("wrong", `WRONG: ${answers}; the table says ${word(first.wanted)}`, list);
}

function callersPart({ title, items }: Callers): Blocks {
  const rows = items.map((item): Cell[] => {
    const { what, expected, answered } = item;
    if (isWrongAnswer(item)) return [what, `${expected}`, verdict("wrong", `WRONG: ${answered}`)];
    return [what, `${expected}`, verdict(expected === 200 ? "yes" : "no", answered)];
  });
  return [table([[title, "Expected", "Answered"], ...rows])];
}

function escapesPart({ title, items }: Escapes): Blocks {
  const rows = items
    .toSorted((one, other) => one.layer.localeCompare(other.layer))
    .map(({ what, layer, how, answered }) => [what, layer, how, answered]);
  if (rows.length === 0) return ["None was tried in this run."];
  return [
    table([[title, "Stopped by", "How", "Answered"], ...rows]),
    `Merged: the change was committed, as if its review had let it through.
API: Argo CD was asked with the team's login.`,
  ];
}

const total = (steps: Drill["steps"]) => steps.reduce((sum, { seconds }) => sum + seconds, 0);

const named = ({ step, seconds }: Drill["steps"][number], index: number) =>
  `${index + 1}. ${seconds.toFixed(1)} s: ${step}`;

function drillsPart(...drills: Drill[]): Blocks {
  const rows = drills.map(({ title, steps, answered, failed = [] }) => {
    const reasons = failed.length > 0 ? ` (${[...new Set(failed)].join(", ")})` : "";
    const lost = `${failed.length}${reasons}`;
    const charges = answered === undefined ? ["–", "–"] : [answered.toLocaleString("en"), lost];
    const each = { markdown: steps.map(named).map(plain).join("<br>") };
    return [title, each, `${total(steps).toFixed(1)} s`, ...charges];
  });
  return [
    ...drills.map(drillChart),
    table([["Drill", "Steps", "Together", "Charges answered", "Charges failed"], ...rows]),
    "Each chart has a scale of its own. Pauses between the steps are left out.",
  ];
}

/** A drill's steps as bars, one after the other, each below its name. */
function drillChart({ title, steps }: Drill): Chart {
  const values = steps.map((step, index) => {
    const from = total(steps.slice(0, index));
    return { name: named(step, index), from, until: from + step.seconds };
  });
  const seconds = { grid: true, tickCount: 5, title: "seconds" };
  // Vega takes a letter for half as wide again as it is.
  const labels = {
    labelAlign: "left",
    labelOffset: -8,
    labelPadding: -2,
    labelLimit: 420,
  } as const;
  const names = { ...labels, ticks: false, title: null };
  const encoding = {
    x: { field: "from", type: "quantitative", axis: seconds },
    x2: { field: "until" },
    y: { field: "name", type: "nominal", sort: null, axis: names },
  } as const;
  const mark = { type: "bar", height: 12, yOffset: 8 } as const;
  return { title, spec: { width: 300, height: { step: 44 }, data: { values }, mark, encoding } };
}

function scalePart({ title, curve }: Scale): Blocks {
  const rows = curve.map(({ replicas, chargesPerSecond, cpuMicroseconds }) => [
    counted(replicas, "replica"),
    chargesPerSecond.toFixed(0),
    `${cpuMicroseconds.toFixed(0)} µs`,
  ]);
  return [table([[title, "Charges a second", "CPU of each charge"], ...rows])];
}
