import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { findTool } from "../../tools/cli/pinned-tools.ts";
import { anchors } from "../support/markdown.ts";
import { alerts, queries, ruleFiles } from "../support/monitoring.ts";

const promtool = await findTool("promtool");
/** Without it these are left out, and make test says so; at CI they fail. */
const withPromtool = promtool || process.env.CI ? test : test.skip;

/** @returns what promtool finds wrong; nothing where all is well */
const wrong = (...args: string[]) =>
  run(promtool?.command ?? "promtool", args, { both: true }).then(
    () => "",
    (error: Error) => error.message,
  );

withPromtool("Prometheus can read every rule", async (t) => {
  t.true(ruleFiles.length > 0);
  t.is(await wrong("check", "rules", "--lint=all", "--lint-fatal", ...ruleFiles), "");
});

/** A file of rules, one for each query. */
function rulesOf(t: ExecutionContext, exprs: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "rules.json");
  const rules = exprs.map((expr, index) => ({ record: `panel_${index}`, expr }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
  return file;
}

withPromtool("Prometheus can read every panel's query", async (t) => {
  t.is(await wrong("check", "rules", rulesOf(t, queries)), "");
  t.regex(await wrong("check", "rules", rulesOf(t, ["sum(up"])), /parse error/);
});

const cases = globSync("tests/monitoring/*.yaml");
for (const file of cases) {
  withPromtool(`${file}: alerts fire when they have to, and no other does`, async (t) => {
    t.is(await wrong("test", "rules", file), "");
  });
}

test("each alert has a test in which it fires", (t) => {
  const tests = cases.flatMap((file) => parse(readFileSync(file, "utf8")).tests);
  const fired = new Set<string>();
  for (const { alert_rule_test = [] } of tests)
    for (const { alertname, exp_alerts = [] } of alert_rule_test)
      if (exp_alerts.length > 0) fired.add(alertname);
  t.deepEqual([...fired].sort(), alerts.map(({ alert }) => alert).sort());
});

const runbook = readFileSync("docs/operations.md", "utf8");
/** The table at the top: what somebody sees, and the section that says what to do. */
const table = runbook.split("\n").filter((line) => /^\|.*\]\(#.*\) \|$/.test(line));

for (const { alert, for: duration, labels, annotations } of alerts) {
  test(`${alert} says in one sentence what is wrong, whom it wakes, and what to do`, (t) => {
    t.regex(duration, /^\d+[mh]$/);
    t.true(["page", "ticket"].includes(labels.severity), labels.severity);
    t.regex(annotations.summary.replace(/\{\{.*?\}\}/g, "x"), /^[^.\n]+\.$/);
    const [file, anchor = ""] = annotations.runbook.split("#");
    t.is(file, "docs/operations.md");
    t.true(anchors(runbook).includes(anchor), anchor);
    const row = table.find((line) => line.includes(`](#${anchor})`));
    t.true(row?.includes(`\`${alert}\``), `its row in the table names it: ${row}`);
  });
}
