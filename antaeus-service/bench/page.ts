import { growth, logarithmic, type Row } from "../../tools/pages/growth.ts";
import { table } from "../../tools/pages/markdown.ts";

const whats = ["start", "list", "10 lists", "pay run"];
const columns = (unit: string) =>
  Object.fromEntries(whats.map((what) => [what, `${what} ${unit}`]));

/** @param ratio what a pay run makes, beside a plain client, in a sentence */
export async function page(rows: Row[], ratio: string): Promise<string> {
  const [first = {}] = rows;
  const body = rows.map((row) => Object.values(row).map((value) => value.toLocaleString("en")));
  return [
    "# Antaeus, as its invoices grow",
    ratio,
    await growth("Seconds", rows, "invoices", columns("s"), logarithmic),
    await growth("Most memory, in MiB: a pod has 256", rows, "invoices", columns("MiB"), {
      scale: { domain: [0, 256] },
    }),
    table([Object.keys(first), ...body]),
  ].join("\n\n");
}
