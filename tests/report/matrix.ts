import { itself, network, type Source, sources, type Target, targets } from "../access/network.ts";
import { permissions, type Who } from "../access/permissions.ts";
import type { Call, Network, Permissions } from "./found.ts";
import { type Html, html, type Value } from "../../tools/pages/html.ts";
import { subjects } from "../access/tables.ts";

/** A declared table beside what came of trying it. */
export interface Matrix {
  rows: string[];
  columns: string[];
  /** What a cell says when calls get through, and when they do not. */
  words: { yes: string; no: string };
  square(row: string, column: string): Square;
}

/** One cell of the table. Several calls of the run can be about it. */
interface Square {
  declared: boolean;
  calls: (Call & { from: string })[];
  /** Why nothing is tried here. */
  leftOut?: string;
}

/** The declared names, and those that only the run knows. */
const names = (declared: string[], tried: string[]) => [...new Set([...declared, ...tried])];

export function permissionMatrix({ cells }: Permissions): Matrix {
  return {
    rows: names(
      permissions.map(({ action }) => action),
      cells.map(({ action }) => action),
    ),
    columns: subjects,
    words: { yes: "allowed", no: "denied" },
    square: (row, column) => ({
      declared: permissions.some(
        ({ action, allowed }) => action === row && allowed.includes(column as Who),
      ),
      calls: cells
        .filter(({ action, who }) => action === row && who === column)
        .map((cell) => ({ ...cell, from: `${cell.user} → ${cell.application}` })),
    }),
  };
}

export function networkMatrix({ cells }: Network): Matrix {
  const key = <Key extends string>(words: Record<Key, string>, word: string) =>
    (Object.keys(words) as Key[]).find((key) => words[key] === word);
  return {
    rows: names(
      Object.values(sources),
      cells.map(({ source }) => source),
    ),
    columns: names(
      Object.values(targets),
      cells.map(({ target }) => target),
    ),
    words: { yes: "reached", no: "blocked" },
    square: (row, column) => {
      const source = key<Source>(sources, row);
      const target = key<Target>(targets, column);
      const declared = source && target && network[source].includes(target);
      const own = source && target && itself[source]?.includes(target);
      return {
        declared: declared ?? false,
        calls: cells
          .filter((cell) => cell.source === row && cell.target === column)
          .map((cell) => ({ ...cell, from: row })),
        ...(own && { leftOut: "itself" }),
      };
    },
  };
}

const isWrong =
  (declared: boolean) =>
  ({ actual, expected }: Call) =>
    actual !== declared || expected !== declared;

/** How many calls were made, how many of them are not as the table says, and how many cells have none. */
export function count({ rows, columns, square }: Matrix) {
  const squares = rows.flatMap((row) => columns.map((column) => square(row, column)));
  const sum = (number: (of: Square) => number) =>
    squares.reduce((total, of) => total + number(of), 0);
  return {
    tried: sum(({ calls }) => calls.length),
    wrong: sum(({ calls, declared }) => calls.filter(isWrong(declared)).length),
    untried: sum(({ calls, leftOut }) => (calls.length === 0 && !leftOut ? 1 : 0)),
  };
}

/** The matrix as a table, each cell with the calls behind it. */
export function drawn(matrix: Matrix, corner: string): Html {
  return html`<table class="matrix">
<thead><tr><th scope="col">${corner}</th>${matrix.columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${matrix.rows.map(
  (row) => html`<tr><th scope="row">${row}</th>
${matrix.columns.map((column) => cell(column, matrix.square(row, column), matrix.words))}</tr>
`,
)}</tbody>
</table>
`;
}

function cell(column: string, { declared, calls, leftOut }: Square, words: Matrix["words"]): Html {
  const td = (kind: string, content: Value) =>
    html`<td class="${kind}" data-column="${column}">${content}</td>\n`;
  if (leftOut && calls.length === 0) return td("none", html`— <small>${leftOut}</small>`);
  if (calls.length === 0) return td("none", html`? <small>not tried</small>`);

  const word = (is: boolean) => (is ? words.yes : words.no);
  const list = html`<ul>${calls.map(
    ({ from, called, answered }) =>
      html`<li><b>${from}</b> <code>${called}</code> <span>${answered.trim()}</span></li>`,
  )}</ul>`;
  if (!calls.some(isWrong(declared))) {
    const mark = declared ? "✓" : "✕";
    const verdict = html`<span><b>${mark}</b> ${word(declared)}</span>`;
    return td(
      declared ? "yes" : "no",
      html`<details><summary>${verdict}</summary>${list}</details>`,
    );
  }
  const answers = [...new Set(calls.map(({ actual }) => word(actual)))].join(" and ");
  const changed = calls.some(({ expected }) => expected !== declared);
  const why = `${answers}; the table says ${word(declared)}${changed ? ", and said otherwise in the run" : ""}`;
  const verdict = html`<span><b>⚠ WRONG</b> ${why}</span>`;
  return td("wrong", html`<details open><summary>${verdict}</summary>${list}</details>`);
}

/** How many calls were as they should be, and what the marks mean. */
export function legend(matrix: Matrix): Html {
  const { tried, wrong, untried } = count(matrix);
  const verdict = wrong
    ? html`<strong class="wrong">⚠ ${wrong} WRONG</strong>`
    : html`<strong>all as the table says</strong>`;
  return html`<ul class="legend">
<li>${tried} cells tried: ${verdict}${untried ? `, ${untried} not tried` : ""}</li>
<li class="yes">✓ ${matrix.words.yes}</li>
<li class="no">✕ ${matrix.words.no}</li>
</ul>
`;
}
