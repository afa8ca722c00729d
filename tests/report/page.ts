import { readFileSync } from "node:fs";
import { picture, total } from "./drill-picture.ts";
import {
  type Callers,
  type Drill,
  drills,
  type Escapes,
  type Found,
  type Network,
  type Permissions,
  type Recorded,
} from "./found.ts";
import { Html, html } from "../../tools/pages/html.ts";
import { count, drawn, legend, networkMatrix, permissionMatrix } from "./matrix.ts";

const style = readFileSync(new URL("../../tools/pages/page.css", import.meta.url), "utf8");

/** The page: one file that needs no other. */
export function page(found: Found, written: Date): string {
  const mood = tally(found).wrong ? "wrong" : "yes";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What make e2e found</title>
<style>
${new Html(style)}</style>
</head>
<body>
<header>
<h1>What <code>make e2e</code> found</h1>
<p class="summary ${mood}">${summary(found)}</p>
<p class="note">${commits(found)}${when(found)} Written ${time(written)}.</p>
</header>
<main>
${section("Permissions", "permissions.json", found.permissions, permissionsPart)}
${section("Network", "network.json", found.network, networkPart)}
${section("Callers", "caller.json", found.caller, callersPart)}
${section("Ways out", "escapes.json", found.escapes, escapesPart)}
${section("Drills", "drill-*.json", drills(found), drillsPart)}
</main>
</body>
</html>
`.text;
}

/** All of it in one line. */
export function summary(found: Found): string {
  const { permissions, network, caller, escapes } = found;
  const { wrong, untried } = tally(found);
  const number = (of: number | undefined, one: string, many = `${one}s`) =>
    of === undefined ? [] : [`${of.toLocaleString("en")} ${of === 1 ? one : many}`];
  const tried = [
    ...number(permissions?.cells.length, "permission cell"),
    ...number(network?.cells.length, "network cell"),
    ...number(caller?.items.length, "token"),
    ...number(escapes?.items.length, "way out", "ways out"),
    ...number(drills(found).length || undefined, "drill").map(
      (drills) => `${drills} (${charges(found)})`,
    ),
    ...number(untried || undefined, "cell not tried", "cells not tried"),
  ].join(", ");
  if (wrong) return `⚠ ${wrong} WRONG, of ${tried}.`;
  return `✓ As it should be${untried ? ", as far as it was tried" : ""}: ${tried}.`;
}

function charges(found: Found): string {
  const sum = (of: (drill: Drill) => number) =>
    drills(found)
      .reduce((total, drill) => total + of(drill), 0)
      .toLocaleString("en");
  return `${sum(({ answered = 0 }) => answered)} charges answered, ${sum(({ failed = [] }) => failed.length)} failed`;
}

/** How many answers are not what they should be, and how many cells have none. */
function tally({ permissions, network, caller }: Found): { wrong: number; untried: number } {
  const counts = [
    ...(permissions ? [count(permissionMatrix(permissions))] : []),
    ...(network ? [count(networkMatrix(network))] : []),
    { wrong: caller?.items.filter(isWrongAnswer).length ?? 0, untried: 0 },
  ];
  return {
    wrong: counts.reduce((sum, { wrong }) => sum + wrong, 0),
    untried: counts.reduce((sum, { untried }) => sum + untried, 0),
  };
}

const isWrongAnswer = ({ expected, answered }: Callers["items"][number]) =>
  Number.parseInt(answered, 10) !== expected;

function commits(found: Found): Html {
  const parts: Recorded[] = Object.values(found);
  const heads = new Set(parts.flatMap(({ head }) => head ?? []));
  if (heads.size === 0) return html`The commit under test is not recorded. `;
  const some = parts.some(({ head }) => head === undefined) ? ", of the parts that say it" : "";
  return html`Commit under test${some}: ${[...heads].map((head) => html`<code>${head}</code>. `)}`;
}

/** When the parts were recorded: they need not be of one run. */
function when(found: Found): string {
  const times = Object.values(found).map(({ at }: Recorded) => time(at));
  const [first, last] = [times.sort()[0], times.at(-1)];
  return first === last ? `Recorded ${first}.` : `Recorded from ${first} to ${last}.`;
}

const time = (date: Date) => `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** A part of the page, or that the run left nothing for it. */
function section<Part extends Recorded | Drill[]>(
  name: string,
  file: string,
  part: Part | undefined,
  body: (part: Part) => Html,
): Html {
  const records = [part ?? []].flat() as Recorded[];
  const last = records.at(-1);
  if (!part || !last)
    return html`<section class="missing"><h2>${name}</h2>
<p>Left out: there is no <code>report/${file}</code>.</p></section>`;
  const title = Array.isArray(part) ? name : `${name}: ${last.title}`;
  return html`<section><h2>${title}</h2>
${body(part)}<p class="note">Recorded ${time(last.at)}${last.head ? html`, of <code>${last.head}</code>` : ""}.</p></section>`;
}

function permissionsPart(permissions: Permissions): Html {
  const matrix = permissionMatrix(permissions);
  return html`${legend(matrix)}${drawn(matrix, "In Argo CD")}
<p class="note">Every user tried every action on every application. A cell opens to show the calls.
Denied is an answer of 403 (or 404, for the shell). A call that is allowed may be answered with another
error: it is made so that it does no harm.</p>
`;
}

function networkPart(network: Network): Html {
  const matrix = networkMatrix(network);
  return html`${legend(matrix)}${drawn(matrix, "From ↓ to →")}
<p class="note">A cell opens to show the call. Reached: connected, or refused by the target itself. —: a call
that ends where it began; no policy keeps a pod from itself, so it tells nothing.</p>
${
  network.seconds === undefined
    ? ""
    : html`<p>The policies were deleted, and Argo CD had them back, and every cell as above, after
<b>${network.seconds.toFixed(1)} s</b>.</p>`
}
`;
}

function callersPart({ items }: Callers): Html {
  return html`<table>
<thead><tr><th scope="col">Token</th><th scope="col">Expected</th><th scope="col">Answered</th></tr></thead>
<tbody>
${items.map((item) => {
  const wrong = isWrongAnswer(item);
  const kind = wrong ? "wrong" : item.expected === 200 ? "yes" : "no";
  const mark = wrong ? "⚠ WRONG" : item.expected === 200 ? "✓" : "✕";
  return html`<tr><th scope="row">${item.what}</th>
<td data-column="Expected">${item.expected}</td>
<td data-column="Answered" class="${kind}"><b>${mark}</b> ${item.answered.trim()}</td></tr>
`;
})}</tbody>
</table>
`;
}

function escapesPart({ items }: Escapes): Html {
  if (items.length === 0) return html`<p>None was tried in this run.</p>\n`;
  const layers = [...new Set(items.map(({ layer }) => layer))];
  return html`<table>
<thead><tr><th scope="col">What a team tried</th><th scope="col">How</th><th scope="col">Answered</th></tr></thead>
${layers.map((layer) => {
  const stopped = items.filter((item) => item.layer === layer);
  return html`<tbody>
<tr class="layer"><th scope="rowgroup" colspan="3">Stopped by ${layer}: ${stopped.length}</th></tr>
${stopped.map(
  ({ what, how, answered }) => html`<tr><th scope="row">${what}</th>
<td data-column="How">${how}</td>
<td data-column="Answered">${answered.trim()}</td></tr>
`,
)}</tbody>
`;
})}</table>
<p class="note">Merged: the change was committed, as if its review had let it through. API: Argo CD was asked
with the team's login.</p>
`;
}

function drillsPart(drills: Drill[]): Html {
  return html`${drills.map(
    (drill, index) => html`<article><h3>${drill.title}</h3>
${picture(drill, total(drill.steps), `drill-${index}`)}${drillNumbers(drill)}</article>
`,
  )}<p class="note">Each has a scale of its own. Pauses between the steps are left out.</p>
`;
}

function drillNumbers({ steps, answered, failed = [] }: Drill): Html {
  const row = (name: string, value: string | Html) =>
    html`<tr><th scope="row">${name}</th><td class="number">${value}</td></tr>\n`;
  const reasons = failed.length > 0 ? ` (${[...new Set(failed)].join(", ")})` : "";
  return html`<table class="numbers">
<tbody>
${steps.map(({ step, seconds }, index) => row(`${index + 1}. ${step}`, `${seconds.toFixed(1)} s`))}${row("together", html`<b>${total(steps).toFixed(1)} s</b>`)}${
  answered === undefined
    ? ""
    : html`${row("charges answered meanwhile", answered.toLocaleString("en"))}${row("charges failed", `${failed.length.toLocaleString("en")}${reasons}`)}`
}</tbody>
</table>
`;
}
