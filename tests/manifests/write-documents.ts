// make report: writes into the documents what they show of the declared tables, and how many escape attempts there are.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { tablesFile, withTables } from "../access/tables.ts";

function rewrite(file: string, write: (text: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = write(before);
  if (after === before) return;
  writeFileSync(file, after);
  console.log(`▸ ${file}: its tables and numbers are written again.`);
}

rewrite(tablesFile, withTables);
// The number comes of the repository itself.
if (existsSync("README.md")) {
  const { countedIn, withCounts } = await import("./counts.ts");
  for (const file of countedIn) rewrite(file, withCounts);
}
