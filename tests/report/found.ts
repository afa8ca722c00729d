import type { Who } from "../access/permissions.ts";

/** What every test records of itself. */
export interface Recorded {
  title: string;
  /** The commit under test. */
  head?: string;
  /** When it was recorded. */
  at: Date;
}

/** A call that was made: whether it should get through, and whether it did. */
export interface Call {
  expected: boolean;
  actual: boolean;
  called: string;
  answered: string;
}

export interface Permissions extends Recorded {
  cells: (Call & { user: string; who: Who; application: string; action: string })[];
}

export interface Network extends Recorded {
  cells: (Call & { source: string; target: string })[];
  /** How long it took until the policies were back, if it came to that. */
  seconds?: number;
}

export interface Callers extends Recorded {
  items: { what: string; expected: number; answered: string }[];
}

export interface Escapes extends Recorded {
  items: { what: string; layer: string; how: string; answered: string }[];
}

export interface Drill extends Recorded {
  steps: { step: string; seconds: number }[];
  /** The charges made meanwhile, if any: how many were answered, and what became of the others. */
  answered?: number;
  failed?: string[];
}

/** What the last make e2e left in report/, by the names of its files. */
export interface Found {
  permissions?: Permissions;
  network?: Network;
  caller?: Callers;
  escapes?: Escapes;
  [drill: `drill-${string}`]: Drill;
}

export function drills(found: Found): Drill[] {
  return Object.entries(found)
    .filter(([name]) => name.startsWith("drill-"))
    .map(([, drill]) => drill as Drill);
}
