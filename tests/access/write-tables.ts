// make report: writes the declared tables into the document that shows them.
import { readFileSync, writeFileSync } from "node:fs";
import { tablesFile, withTables } from "./tables.ts";

const before = readFileSync(tablesFile, "utf8");
const after = withTables(before);
if (after !== before) {
  writeFileSync(tablesFile, after);
  console.log(`▸ ${tablesFile}: its tables are written again.`);
}
