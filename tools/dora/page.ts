import type { TopLevelSpec } from "vega-lite";
import { chart } from "../pages/chart.ts";
import { plain, table } from "../pages/markdown.ts";
import { counted, duration, minute, unit } from "../pages/numbers.ts";
import { arrival, type Deployment, figures, leadTime, recoveryTime } from "./figures.ts";

/** How many weeks the charts show. */
const shown = 12;

const counting = `## What is counted

- A deployment is a version of a service, built from a commit, that came to an environment. The same commit built
  again is the same version.
- Lead time is from the commit of its source until Argo CD had synced it; until its bump in Git, where Argo CD's
  history, which keeps ten entries, does not say.
- A deployment failed if an older version took its place: by a revert of its bump, or a rollback in Argo CD.
- Failed deployment recovery time is from when it ran until the older version did.
- Where clocks disagree, a time that would be negative counts as 0 s.

Failures that were mended by a newer version are not seen here, and a revert for another reason is taken for a failure.`;

/** @param from where the deployments were found */
export async function page(environments: Map<string, Deployment[]>, now: Date, from: string) {
  const sections = [...environments].map(([name, all]) => section(name, all, now));
  return [
    "# How software is delivered here",
    `Four of DORA's figures, from ${plain(from)}. Written ${minute(now)}.`,
    ...(await Promise.all(sections)),
    counting,
  ].join("\n\n");
}

async function section(environment: string, all: Deployment[], now: Date): Promise<string> {
  const head = `## ${plain(environment)}\n\n`;
  if (all.length === 0)
    return `${head}Nothing was deployed yet: no overlay of it names an image that was built from a commit.`;
  const few = "So few deployments say little: look at each of them instead.";
  const note = all.length < 5 ? few : `The charts are of the last ${shown} weeks.`;
  const pictures = await Promise.all(charts(all, now));
  return [head, figuresTable(all, now), note, ...pictures, list(all)].join("\n\n");
}

function figuresTable(all: Deployment[], now: Date): string {
  const { deployments, perWeek = 0, failureRate = 0, ...median } = figures(all, now);
  const failed = all.filter(({ restoredAt }) => restoredAt).length;
  const live = all.filter(({ liveAt }) => liveAt).length;
  const frequency = `${Number(perWeek.toPrecision(2))} a week`;
  const ran = `median; of ${live} of ${all.length} it is known when they ran`;
  const recovered = failed ? `median of ${failed}` : "nothing was taken back";
  const rate = `${Math.round(failureRate * 100)} %`;
  return table([
    ["Figure", "Value", "Of"],
    ["deployment frequency", frequency, counted(deployments, "deployment")],
    ["lead time for changes", duration(median.leadTime), ran],
    ["change failure rate", rate, `${failed} of ${all.length} taken back`],
    ["failed deployment recovery time", duration(median.recoveryTime), recovered],
  ]);
}

/** What came in the last weeks. The shape of a mark tells what was taken back, not its colour. */
function charts(all: Deployment[], now: Date): Promise<string>[] {
  const begin = +now - shown * 7 * 24 * 3600 * 1000;
  const recent = all.filter((deployment) => +arrival(deployment) > begin);
  const most = unit(Math.max(...recent.map(leadTime)));
  const values = recent.map((deployment) => ({
    outcome: deployment.restoredAt ? "taken back" : "stayed",
    came: +arrival(deployment),
    leadTime: leadTime(deployment) / most.seconds,
  }));
  const time = { type: "utc", domain: [begin, +now], nice: "week" };
  const axis = { format: "%m-%d", tickCount: 4, grid: false };
  const drawn = (what: string, type: "bar" | "point", x: object, y: object) => {
    const encoding = {
      description: { field: "outcome" },
      fillOpacity: { condition: { test: "datum.outcome === 'taken back'", value: 0 }, value: 1 },
      x: { field: "came", type: "temporal", axis, scale: time, ...x },
      y: { type: "quantitative", axis: { tickMinStep: 1 }, ...y },
    };
    const title = `${what}; hollow: taken back`;
    return chart({ title, data: { values }, mark: { type, opacity: 1 }, encoding } as TopLevelSpec);
  };
  return [
    drawn("Deployments a week", "bar", { timeUnit: "utcyearweek" }, { aggregate: "count" }),
    drawn(`Lead time of each, in ${most.name}`, "point", {}, { field: "leadTime" }),
  ];
}

/** The last deployments, the newest first. */
function list(all: Deployment[]): string {
  const last = all.toSorted((one, other) => +arrival(other) - +arrival(one)).slice(0, 20);
  const rows = last.map((deployment) => [
    deployment.tag,
    deployment.service,
    `${minute(arrival(deployment))}${deployment.liveAt ? "" : " (its bump)"}`,
    duration(leadTime(deployment)),
    duration(recoveryTime(deployment)),
  ]);
  const head = ["Version", "Service", "Came", "Lead time", "Taken back after"];
  return `${table([head, ...rows])}\n\nThe last ${last.length} of ${all.length}.`;
}
