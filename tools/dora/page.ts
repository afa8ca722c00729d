import type { Chart } from "../pages/chart.ts";
import type { Blocks, Page } from "../pages/layout.ts";
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
export function page(environments: Map<string, Deployment[]>, now: Date, from: string): Page {
  return {
    title: "How software is delivered here",
    blocks: [
      `Four of DORA's figures, from ${plain(from)}. Written ${minute(now)}.`,
      ...[...environments].flatMap(([environment, all]) => [
        `## ${plain(environment)}`,
        ...section(all, now),
      ]),
      counting,
    ],
  };
}

function section(all: Deployment[], now: Date): Blocks {
  if (all.length === 0)
    return [
      "Nothing was deployed yet: no overlay of it names an image that was built from a commit.",
    ];
  const few = "So few deployments say little: look at each of them instead.";
  return [
    figuresTable(all, now),
    all.length < 5 ? few : `The charts are of the last ${shown} weeks.`,
    ...charts(all, now),
    ...list(all),
  ];
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
function charts(all: Deployment[], now: Date): Chart[] {
  const begin = +now - shown * 7 * 24 * 3600 * 1000;
  const recent = all.filter((deployment) => +arrival(deployment) > begin);
  const most = unit(Math.max(...recent.map(leadTime)));
  const values = recent.map((deployment) => ({
    outcome: deployment.restoredAt ? "taken back" : "stayed",
    came: +arrival(deployment),
    leadTime: leadTime(deployment) / most.seconds,
  }));
  const axis = { format: "%m-%d", tickCount: 4, grid: false, title: null };
  const scale = { type: "utc" as const, domain: [begin, +now], nice: "week" as const };
  const x = { field: "came", type: "temporal", axis, scale } as const;
  const y = { type: "quantitative", title: null, axis: { tickMinStep: 1 } } as const;
  const outcome = {
    description: { field: "outcome" },
    fillOpacity: { condition: { test: "datum.outcome === 'taken back'", value: 0 }, value: 1 },
  };
  const weekly = { x: { ...x, timeUnit: "utcyearweek" }, y: { ...y, aggregate: "count" } } as const;
  const each = { x, y: { ...y, field: "leadTime" } };
  const point = { type: "point", opacity: 1 } as const;
  const spec = { width: 300, height: 140, data: { values } };
  return [
    {
      title: "Deployments a week; hollow: taken back",
      spec: { ...spec, mark: "bar", encoding: { ...outcome, ...weekly } },
    },
    {
      title: `Lead time of each, in ${most.name}; hollow: taken back`,
      spec: { ...spec, mark: point, encoding: { ...outcome, ...each } },
    },
  ];
}

/** The last deployments, the newest first. */
function list(all: Deployment[]): Blocks {
  const last = all.toSorted((one, other) => +arrival(other) - +arrival(one)).slice(0, 20);
  const rows = last.map((deployment) => [
    deployment.tag,
    deployment.service,
    `${minute(arrival(deployment))}${deployment.liveAt ? "" : " (its bump)"}`,
    duration(leadTime(deployment)),
    duration(recoveryTime(deployment)),
  ]);
  return [
    table([["Version", "Service", "Came", "Lead time", "Taken back after"], ...rows]),
    ...(all.length > last.length ? [`The last ${last.length} of ${all.length}.`] : []),
  ];
}
