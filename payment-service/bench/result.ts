import { table } from "../../tools/cli/table.ts";
import { median as middle } from "../../tools/pages/numbers.ts";

export const median = (values: number[]): number => middle(values) ?? Number.NaN;

type Column = { title?: string; ratio?: true };

/** What is measured in each round, and its column. Those with a ratio are compared with the bare server's. */
const measures = {
  /** Milliseconds from its start to its first 200 on /health, and of CPU time that it had until then. */
  coldStart: { title: "cold start ms", ratio: true },
  startCpu: { title: "its CPU ms", ratio: true },
  /** Milliseconds from its start to its first answer to a charge, asked for after that. */
  firstCharge: { title: "first charge ms" },
  /** Resident memory in MiB before and after the load. */
  idle: { title: "idle MiB", ratio: true },
  loaded: { title: "loaded MiB", ratio: true },
  /** Charges for each second of the server's CPU time: what a whole core would do. */
  rate: { title: "charges/s per core", ratio: true },
  /** Seconds of CPU time for a million charges. */
  cpuPerMillion: { title: "CPU s per million" },
  /** The time that 99 of 100 charges are answered within, in milliseconds. */
  p99: { title: "p99 ms" },
  /** Charges a second of the clock: what a machine does that does nothing else. */
  clockRate: {},
  /** Share of its core that it had: well below 1, it was not the server that limited clockRate. */
  busy: {},
} satisfies Record<string, Column>;

type Measure = keyof typeof measures;
const columns = Object.entries<Column>(measures) as [Measure, Column][];

const ofEach = <T>(value: (measure: Measure) => T) =>
  Object.fromEntries(columns.map(([measure]) => [measure, value(measure)])) as Record<Measure, T>;

/** A value for each round. */
export type Samples = Record<Measure, number[]>;
export const noSamples = (): Samples => ofEach(() => []);

export interface Row {
  name: string;
  medians: Record<Measure, number>;
  /** Medians of each round's ratio to the first contender. */
  ratios: Record<Measure, number>;
}

/** @param measured the bare server first: the ratios are to it */
export function rows(measured: { name: string; samples: Samples }[]): Row[] {
  const bare = measured[0]?.samples;
  return measured.map(({ name, samples }) => ({
    name,
    medians: ofEach((measure) => median(samples[measure])),
    ratios: ofEach((measure) =>
      median(
        samples[measure].map((value, round) => value / (bare?.[measure][round] ?? Number.NaN)),
      ),
    ),
  }));
}

/** @returns a table: medians, and behind them how they compare with the bare server's */
export function report(result: Row[]): string {
  const shown = columns.flatMap(([measure, { title, ratio }]) => {
    if (!title) return [];
    const value = { title, of: ({ medians }: Row) => medians[measure] };
    const compared = { title: "× bare", of: ({ ratios }: Row) => ratios[measure] };
    return ratio ? [value, compared] : [value];
  });
  const rounded = (value: number) => Number(value >= 20 ? value.toFixed(0) : value.toFixed(2));
  return table([
    ["", ...shown.map(({ title }) => title)],
    ...result.map((row) => [row.name, ...shown.map(({ of }) => rounded(of(row)))]),
  ]);
}

/** What payment is to reach, and what it does. */
export function targets(result: Row[]) {
  const find = (start: string) => result.find(({ name }) => name.startsWith(start)) as Row;
  const { medians, ratios } = find("payment");
  const against = (peer: string) => medians.rate / find(peer).medians.rate;
  const bounds: [what: string, is: number, "at most" | "at least", bound: number][] = [
    ["cold start × bare", ratios.coldStart, "at most", 1.4],
    ["cold start's CPU time × bare", ratios.startCpu, "at most", 1.4],
    ["idle memory × bare", ratios.idle, "at most", 1.2],
    ["memory after load × bare", ratios.loaded, "at most", 1.5],
    ["charges per core × Flask's development server", against("Flask"), "at least", 8],
    ["charges per core × gunicorn and Flask", against("gunicorn"), "at least", 1],
  ];
  return bounds.map(([what, is, which, bound]) => ({
    target: `${what}, ${which} ${bound}`,
    is: Number(is.toFixed(2)),
    verdict: (which === "at most" ? is <= bound : is >= bound) ? "reached" : "not reached",
  }));
}
