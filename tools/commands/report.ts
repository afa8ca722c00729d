// make report: a page of what the last make e2e found.
import { existsSync, readFileSync } from "node:fs";
import { main, UserError } from "../cli/command.ts";
import { option } from "../cli/options.ts";
import { write } from "../pages/layout.ts";
import { said } from "../pages/markdown.ts";
import { read, record } from "../report/found.ts";
import { judged, page } from "../report/page.ts";
import { slowest } from "../report/slowest.ts";

const file = "report/index.html";
/** What make e2e printed. */
const log = "report/e2e/log.txt";

main(async () => {
  // Set by make e2e.
  const exitCode = option("EXIT_CODE");
  if (exitCode) record("run", { title: "make e2e", exitCode: Number(exitCode) });
  const found = read();
  const { run, ...recorded } = found;
  if (run || Object.keys(recorded).length > 0) {
    write(file, await page(found, new Date()));
    console.log(`▸ ${file}: ${said(judged(found))}`);
  }
  if (existsSync(log)) {
    console.log("▸ The slowest tests");
    for (const { title, seconds } of slowest(readFileSync(log, "utf8"), 10))
      console.log(`  ${seconds.toFixed(0).padStart(4)} s  ${title}`);
  }
  if (Object.keys(recorded).length === 0) {
    throw new UserError(
      "There is nothing in report/e2e/ to report: no test recorded what it found. Run make e2e, which needs a cluster (make up).",
    );
  }
});
