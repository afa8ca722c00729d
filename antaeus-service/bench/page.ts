import type { TopLevelSpec } from "vega-lite";
import { chart } from "../../tools/pages/chart.ts";
import { table } from "../../tools/pages/markdown.ts";

/** Of each size its figures, by the names of their columns. */
export type Row = Record<string, number>;

const whats = ["start", "list", "10 lists", "pay run"];

/** Lines over the number of invoices, on a logarithmic scale. */
function growth(title: string, rows: Row[], unit: string, y: object): Promise<string> {
  const values = rows.flatMap((row) =>
    whats.map((what) => ({ what, invoices: row.invoices, value: row[`${what} ${unit}`] })),
  );
  const axis = { values: rows.map(({ invoices }) => invoices), format: "~s" };
  const legend = { title: null, labelColor: "currentColor", symbolType: "stroke" };
  const encoding = {
    x: { field: "invoices", type: "quantitative", scale: { type: "log" }, axis },
    y: { field: "value", type: "quantitative", ...y },
    strokeDash: { field: "what", sort: whats, legend },
  };
  const mark = { type: "line", fill: null };
  return chart({ title, data: { values }, mark, encoding } as TopLevelSpec);
}

/** @param ratio what a pay run makes, beside a plain client, in a sentence */
export async function page(rows: Row[], ratio: string): Promise<string> {
  const [first = {}] = rows;
  const body = rows.map((row) => Object.values(row).map((value) => value.toLocaleString("en")));
  return [
    "# Antaeus, as its invoices grow",
    ratio,
    // Where both axes are logarithmic, what grows in step with the invoices is a straight line.
    await growth("Seconds", rows, "s", { scale: { type: "log" }, axis: { tickCount: 5 } }),
    await growth("Most memory, in MiB: a pod has 256", rows, "MiB", {
      scale: { domain: [0, 256] },
    }),
    table([Object.keys(first), ...body]),
  ].join("\n\n");
}
