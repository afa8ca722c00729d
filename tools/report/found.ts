import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Verdict } from "../pages/markdown.ts";

/** What the end-to-end tests record: nothing else is kept here, and make e2e begins by removing it. */
const folder = "report/e2e";

/** What a test found: a table, or steps one after the other. */
export interface Result {
  title: string;
  /** The commit under test. */
  head?: string;
  /** When it was recorded. */
  at: string;
  /** The first row is the head. */
  table?: (string | Verdict)[][];
  /** How to read it. */
  note?: string;
  steps?: { step: string; seconds: number }[];
  /** The charges made meanwhile, if any: how many were answered, and what became of the others. */
  answered?: number;
  failed?: string[];
  /** Of each repetition, where the steps are medians: kept, and not shown. */
  bumps?: object[];
  /** How make e2e ended. A run that did not come to its end has none. */
  exitCode?: number;
}

/** What a run left, by the names of its files. */
export type Found = Record<string, Result>;

type Name = "run" | "permissions" | "network" | "caller" | "escapes" | "scale" | `drill-${string}`;

/** Keeps what was found, for the page that make report writes. */
export function record(name: Name, result: Omit<Result, "at">): void {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify({ at: new Date(), ...result }, null, 2);
  writeFileSync(join(folder, `${name}.json`), text);
}

export function read(): Found {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const records = files.filter((file) => file.endsWith(".json"));
  const content = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  return Object.fromEntries(records.map((file) => [basename(file, ".json"), content(file)]));
}
