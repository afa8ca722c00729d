import { chart } from "../pages/chart.ts";
import { markdown, plain, table, type Verdict } from "../pages/markdown.ts";
import { counted, minute } from "../pages/numbers.ts";
import type { Found, Result } from "./found.ts";

/** The parts of the page: how the names of their records begin, their titles, and what is counted there. */
const parts = [
  ["permissions", "Permissions", "permission cell"],
  ["network", "Network", "network cell"],
  ["caller", "Callers", "token"],
  ["escapes", "Escape attempts", "escape attempt"],
  ["drill-", "Drills", "drill"],
  ["scale", "Throughput", ""],
] as const;

export async function page(found: Found, written: Date): Promise<string> {
  const { run: _, ...recorded } = found;
  const all = Object.values(recorded);
  const known = [...new Set(all.flatMap(({ head = [] }) => head))];
  const isPart = known.length > 0 && all.some(({ head }) => !head);
  // They need not be of one run.
  const times = Object.values(found).map(time).sort();
  const sections = parts.map(([begin, title, one]) => section(title, resultsOf(found, begin), one));
  return [
    "# What make e2e found",
    markdown(judged(found)),
    `Commit under test${isPart ? ", of the parts that say it" : ""}: ${plain(known.join(", ") || "not recorded")}.`,
    `Recorded from ${times[0]} to ${times.at(-1)}. Written ${minute(written)}.`,
    ...(await Promise.all(sections)),
  ].join("\n\n");
}

const resultsOf = (found: Found, begin: string): Result[] =>
  Object.entries(found).flatMap(([name, result]) => (name.startsWith(begin) ? result : []));

/** How many cells there are of these verdicts. */
const count = (results: Result[], ...verdicts: Verdict["is"][]) =>
  results
    .flatMap(({ table = [] }) => table.flat())
    .filter((cell) => typeof cell !== "string" && verdicts.includes(cell.is)).length;

const tried = (results: Result[], one: string) =>
  results[0]?.steps
    ? `${counted(results.length, one)} (${charges(results)})`
    : counted(count(results, "yes", "no", "wrong"), one);

function charges(results: Result[]): string {
  const answered = results.reduce((sum, { answered = 0 }) => sum + answered, 0);
  const failed = results.flatMap(({ failed = [] }) => failed);
  return `${counted(answered, "charge")} answered, ${failed.length} failed`;
}

const time = ({ at }: Result) => minute(new Date(at));

/** All of it in one line. Good is only a run that came to a good end. */
export function judged({ run, ...found }: Found): Verdict {
  const counts = parts.flatMap(([begin, , one]) => {
    const results = resultsOf(found, begin);
    return one ? results.length > 0 && tried(results, one) : [];
  });
  const all = Object.values(found);
  const [wrong, untried] = [count(all, "wrong"), count(all, "untried")];
  const not = untried > 0 && counted(untried, "cell not tried", "cells not tried");
  const what = [...counts, not].filter(Boolean).join(", ");
  const far = counts.every(Boolean) && !untried ? "" : ", as far as it was tried";
  const failed = run?.exitCode ? [`The run failed (exit code ${run.exitCode}).`] : [];
  const end = run ? failed : ["The run did not come to its end."];

  const bad = (...text: string[]): Verdict => ({ is: "wrong", text: text.join(" ") });
  if (wrong) return bad(`${wrong} WRONG, of ${what}.`, ...end);
  if (end.length > 0)
    return bad(...end, `Nothing is wrong of what it recorded: ${what || "nothing"}.`);
  return what ? { is: "yes", text: `As it should be${far}: ${what}.` } : bad("Nothing was tried.");
}

/** A part of the page, or that the run left nothing for it. */
async function section(title: string, results: Result[], one: string): Promise<string> {
  const last = results.at(-1);
  if (!last) return `## ${title}\n\nLeft out: there is no record of it in report/e2e.`;
  const wrong = count(results, "wrong");
  const right = count(results, "yes", "no") > 0 ? ": as it should be" : "";
  return [
    `## ${title}`,
    one && `${tried(results, one)}${wrong ? `: ⚠ ${wrong} WRONG` : right}.`,
    ...(await Promise.all(results.map(shown))),
    `Recorded ${time(last)}${last.head ? `, of ${plain(last.head)}` : ""}.`,
  ].join("\n\n");
}

/** A table; or steps as bars, on a scale of their own. */
async function shown(result: Result): Promise<string> {
  const { title, table: rows = [], note = "", steps, answered, failed = [] } = result;
  if (!steps) return `${rows.length > 1 ? table(rows) : "None was tried in this run."}\n\n${note}`;
  const total = steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const reasons = failed.length > 0 ? ` (${[...new Set(failed)].join(", ")})` : "";
  const meanwhile = answered === undefined ? "" : `; ${charges([result])}${reasons}`;
  const values = steps.map(({ seconds }, index) => ({ seconds, number: index + 1 }));
  const x = { field: "seconds", type: "quantitative", axis: { title: "seconds" } } as const;
  const y = { field: "number", type: "ordinal", axis: { grid: false } } as const;
  const list = steps.map(({ step, seconds }) => `1. ${seconds.toFixed(1)} s: ${plain(step)}`);
  const text = [`**${plain(title)}**: ${total.toFixed(1)} s${plain(meanwhile)}`, "", ...list];
  return chart({ data: { values }, mark: "bar", encoding: { x, y } }, text.join("\n"));
}
