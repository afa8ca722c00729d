// make report: a page of what the last make e2e found, and in the documents the tables and numbers of what is tried.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError, main } from "../../tools/cli/command.ts";
import type { Found } from "./found.ts";
import { page, summary } from "./page.ts";
import { tablesFile, withTables } from "../access/tables.ts";

const folder = "report";

main(async () => {
  rewrite(tablesFile, withTables);
  // The number comes of the repository itself.
  if (existsSync("README.md")) {
    const { countedIn, withCounts } = await import("../manifests/counts.ts");
    for (const file of countedIn) rewrite(file, withCounts);
  }
  const found = read();
  if (Object.keys(found).length === 0) {
    throw new UserError(
      `There is nothing in ${folder}/ to write about: run make e2e, which needs a cluster (make up).`,
    );
  }
  writeFileSync(join(folder, "index.html"), page(found, new Date()));
  console.log(`▸ ${folder}/index.html: ${summary(found)}`);
});

/** What is declared, whatever the last run found. */
function rewrite(file: string, write: (text: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = write(before);
  if (after === before) return;
  writeFileSync(file, after);
  console.log(`▸ ${file}: its tables and numbers are written again.`);
}

function read(): Found {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return Object.fromEntries(
    files
      .filter((file) => file.endsWith(".json"))
      .map((file) => {
        const path = join(folder, file);
        const recorded = JSON.parse(readFileSync(path, "utf8"));
        return [basename(file, ".json"), { ...recorded, at: statSync(path).mtime }];
      }),
  );
}
