import type { TopLevelSpec } from "vega-lite";
import { chart } from "./chart.ts";

/** Of each size its figures, by the names of their columns. */
export type Row = Record<string, number>;

/**
 * Lines over a number of things, on a logarithmic scale.
 * @param over the column with the number of things
 * @param columns each a line, by its name in the legend
 * @param y Vega-Lite's scale and axis of the values
 */
export function growth(
  title: string,
  rows: Row[],
  over: string,
  columns: Record<string, string>,
  y: object,
): Promise<string> {
  const names = Object.keys(columns);
  const values = rows.flatMap((row) =>
    names.map((what) => ({ what, over: row[over], value: row[columns[what] as string] })),
  );
  const axis = { values: rows.map((row) => row[over]), format: "~s" };
  const legend = { title: null, labelColor: "currentColor", symbolType: "stroke" };
  const encoding = {
    x: { field: "over", type: "quantitative", scale: { type: "log" }, axis },
    y: { field: "value", type: "quantitative", ...y },
    strokeDash: { field: "what", sort: names, legend },
  };
  const mark = { type: "line", fill: null };
  return chart({ title, data: { values }, mark, encoding } as TopLevelSpec);
}

/** Where both axes are logarithmic, what grows in step is a straight line. */
export const logarithmic = { scale: { type: "log" }, axis: { tickCount: 5 } };
