import { readFileSync } from "node:fs";
import { Html, html } from "../pages/html.ts";
import {
  arrival,
  type Deployment,
  type Figures,
  figures,
  leadTime,
  timeToRestore,
  weeks,
} from "./figures.ts";

const style = readFileSync(new URL("../pages/page.css", import.meta.url), "utf8");

/** How many weeks the plots show. */
const shown = 12;

/** The page: one file that needs no other. */
export function page(
  environments: Map<string, Deployment[]>,
  now: Date,
  sources: { git: string; argocd: string },
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How software is delivered here</title>
<style>
${new Html(style)}</style>
</head>
<body>
<header>
<h1>How software is delivered here</h1>
<p class="note">The four figures of DORA, from Git (${sources.git}) and Argo CD (${sources.argocd}). Written ${time(now)}.</p>
</header>
<main>
${[...environments].map(([environment, all]) => section(environment, all, now))}
<section><h2>What is counted</h2>
<ul>
<li>A deployment is a version of a service, built from a commit, that came to an environment.</li>
<li>Lead time is from the commit of its source until Argo CD had synced it; until its bump in Git, where Argo CD's
history, which keeps ten entries, does not say.</li>
<li>A deployment failed if an older version took its place: by a revert of its bump, or a rollback in Argo CD.</li>
<li>Time to restore is from when it ran until the older version did.</li>
</ul>
<p class="note">Failures that were mended by a newer version are not seen here, and a revert for another reason is
taken for a failure.</p>
</section>
</main>
</body>
</html>
`.text;
}

function section(environment: string, all: Deployment[], now: Date): Html {
  if (all.length === 0)
    return html`<section class="missing"><h2>${environment}</h2>
<p>Nothing was deployed yet: no overlay of this environment names an image that was built from a commit.</p></section>
`;
  return html`<section><h2>${environment}</h2>
${table(figures(all, now), all)}
${frequencyPlot(environment, all, now)}
${leadTimePlot(environment, all, now)}
${list(all)}</section>
`;
}

function table(of: Figures, all: Deployment[]): Html {
  const failed = all.filter(({ restoredAt }) => restoredAt).length;
  const live = all.filter(({ liveAt }) => liveAt).length;
  const row = (name: string, value: string, from: string) =>
    html`<tr><th scope="row">${name}</th><td class="number"><b>${value}</b></td><td>${from}</td></tr>\n`;
  return html`<table class="numbers">
<tbody>
${row("deployment frequency", `${round(of.perWeek)} a week`, number(of.deployments, "deployment"))}${row(
  "lead time for changes",
  duration(of.leadTime),
  `median; of ${live} of ${all.length} it is known when they ran`,
)}${row("change failure rate", percent(of.failureRate), `${failed} of ${all.length} taken back`)}${row(
  "time to restore",
  duration(of.timeToRestore),
  failed ? `median of ${failed}` : "nothing was taken back",
)}</tbody>
</table>
<p class="note">${all.length < 5 ? "So few deployments say little: look at each of them instead." : `The plots are of the last ${shown} weeks. The other colour: taken back.`}</p>`;
}

/** A plot's frame: all its widths are shares, so that it can be as narrow as a phone. */
function plot(id: string, title: string, told: string, height: number, content: Html[]): Html {
  return html`<article><h3>${title}</h3>
<svg role="img" aria-labelledby="${id}-title ${id}-desc" width="100%" height="${height}">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${told}</desc>
${content}</svg></article>
`;
}

const [height, base] = [150, 110];

const day = (date: Date) => date.toISOString().slice(5, 10);

/** The beginning of every third week, below the plot. */
const dates = (now: Date): Html[] =>
  weeks([], now, shown).map(([begin], index) =>
    index % 3 === 0
      ? html`<text class="tick" x="${share(index / shown)}" y="${base + 18}">${day(begin)}</text>\n`
      : html``,
  );

function frequencyPlot(environment: string, all: Deployment[], now: Date): Html {
  const counts = weeks(all, now, shown);
  const most = Math.max(1, ...counts.map(([, { length }]) => length));
  const told = counts.map(([begin, { length }]) => `week of ${day(begin)}: ${length}`).join("; ");
  const bar = (index: number, from: number, count: number, kind: string) =>
    count === 0
      ? html``
      : html`<rect class="${kind}" x="${share((index + 0.1) / shown)}" width="${share(0.8 / shown)}" y="${(base - ((from + count) / most) * 90).toFixed(1)}" height="${((count / most) * 90).toFixed(1)}" rx="2"/>\n`;
  return plot(
    `frequency-${environment}`,
    "Deployments a week; below, those that were taken back",
    told,
    height,
    [
      html`<line x1="0" x2="100%" y1="${base}" y2="${base}"/><text class="tick" x="0" y="14">${most}</text>\n`,
      ...counts.flatMap(([, deployed], index) => {
        const failed = deployed.filter(({ restoredAt }) => restoredAt).length;
        return [
          bar(index, 0, failed, "step-1"),
          bar(index, failed, deployed.length - failed, "step-2"),
        ];
      }),
      ...dates(now),
    ],
  );
}

function leadTimePlot(environment: string, all: Deployment[], now: Date): Html {
  const [begin] = weeks([], now, shown)[0] as [Date, Deployment[]];
  const dots = all
    .filter((deployment) => arrival(deployment) > begin)
    .map((deployment) => ({ deployment, seconds: leadTime(deployment) ?? 0 }));
  const most = Math.max(60, ...dots.map(({ seconds }) => seconds));
  const told = dots
    .map(
      ({ deployment, seconds }) =>
        `${deployment.service} ${day(arrival(deployment))}: ${duration(seconds)}`,
    )
    .join("; ");
  return plot(`lead-time-${environment}`, "Lead time of each", told || "none", height, [
    html`<line x1="0" x2="100%" y1="${base}" y2="${base}"/><line x1="0" x2="100%" y1="20" y2="20"/><text class="tick" x="0" y="14">${duration(most)}</text>\n`,
    ...dots.map(({ deployment, seconds }) => {
      const x = (+arrival(deployment) - +begin) / (+now - +begin);
      const kind = deployment.restoredAt ? "step-1" : "step-2";
      return html`<circle class="${kind}" cx="${share(Math.min(0.99, Math.max(0.01, x)))}" cy="${(base - (Math.max(0, seconds) / most) * 90).toFixed(1)}" r="4"/>\n`;
    }),
    ...dates(now),
  ]);
}

/** The last deployments, the newest first. */
function list(all: Deployment[]): Html {
  const last = all.toSorted((one, other) => +arrival(other) - +arrival(one)).slice(0, 20);
  return html`<table>
<thead><tr><th scope="col">Version</th><th scope="col">Service</th><th scope="col">Came</th><th scope="col">Lead time</th><th scope="col">Taken back after</th></tr></thead>
<tbody>
${last.map((deployment) => {
  const { image, service, liveAt } = deployment;
  const restored = timeToRestore(deployment);
  return html`<tr><th scope="row">${image.replace(/@.*/, "")}</th>
<td data-column="Service">${service}</td>
<td data-column="Came">${time(arrival(deployment))}${liveAt ? "" : " (its bump)"}</td>
<td data-column="Lead time" class="number">${duration(leadTime(deployment))}</td>
<td data-column="Taken back after" class="${restored === undefined ? "none" : "no"}">${restored === undefined ? "–" : duration(restored)}</td></tr>
`;
})}</tbody>
</table>
${all.length > last.length ? html`<p class="note">The last ${last.length} of ${all.length}.</p>` : ""}`;
}

const share = (of: number) => `${(of * 100).toFixed(2)}%`;
/** Such as "1 deployment". */
export const number = (of: number, one: string) => `${of} ${of === 1 ? one : `${one}s`}`;
const round = (value: number | undefined) =>
  value === undefined ? "–" : String(Number(value.toPrecision(2)));
const percent = (value: number | undefined) =>
  value === undefined ? "–" : `${Math.round(value * 100)} %`;
const time = (date: Date) => `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** A number of seconds for people, such as "4 min" or "2.5 days". */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return "–";
  const [unit, name] = (
    [
      [86_400, "days"],
      [3600, "h"],
      [60, "min"],
    ] as const
  ).find(([unit]) => seconds >= 2 * unit) ?? [1, "s"];
  const value = seconds / unit;
  return `${value < 10 && unit > 1 ? Number(value.toFixed(1)) : Math.round(value)} ${name}`;
}
