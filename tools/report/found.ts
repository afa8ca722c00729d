import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What the end-to-end tests record: nothing else is kept here, and make e2e begins by removing it. */
const folder = "report/e2e";

/** What every test records of itself. */
export interface Recorded {
  title: string;
  /** The commit under test. */
  head?: string;
  /** When it was recorded. */
  at: string;
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

/** A declared table, and what came of trying it. */
export interface Matrix extends Recorded {
  rows: string[];
  columns: string[];
  /** What a cell says when calls get through, and when they do not. */
  words: { yes: string; no: string };
  calls: Call[];
  /** Cells that are not tried, and why. */
  leftOut?: { row: string; column: string; why: string }[];
  /** How to read it. */
  note: string;
}

export interface Callers extends Recorded {
  items: { what: string; expected: number; answered: string }[];
}

export interface Escapes extends Recorded {
  items: { what: string; layer: string; how: string; answered: string }[];
}

export interface Scale extends Recorded {
  curve: { replicas: number; chargesPerSecond: number; cpuMicroseconds: number }[];
}

export interface Drill extends Recorded {
  steps: { step: string; seconds: number }[];
  /** The charges made meanwhile, if any: how many were answered, and what became of the others. */
  answered?: number;
  failed?: string[];
  /** Of each repetition, where the steps are medians: kept, and not shown. */
  bumps?: object[];
}

/** What a run left, by the names of its files. */
export interface Found {
  /** How the run ended. A run that did not come to its end has none. */
  run?: Recorded & { exitCode: number };
  permissions?: Matrix;
  network?: Matrix;
  caller?: Callers;
  escapes?: Escapes;
  scale?: Scale;
  [drill: `drill-${string}`]: Drill;
}

/** What a test gives to be kept under a name. */
export type Given<Name extends keyof Found> = Omit<NonNullable<Found[Name]>, "at">;

/** Keeps what was found, for the page that make report writes. */
export function record<Name extends keyof Found>(name: Name, found: Given<Name>): void {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ at: new Date(), ...found }, null, 2);
  writeFileSync(join(folder, `${name}.json`), text);
}

export function read(): Found {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const records = files.filter((file) => file.endsWith(".json"));
  const content = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  return Object.fromEntries(records.map((file) => [basename(file, ".json"), content(file)]));
}
