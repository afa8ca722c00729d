import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { asHtml, asText } from "../../tools/pages/layout.ts";
import { said } from "../../tools/pages/markdown.ts";
import type { Found } from "../../tools/report/found.ts";
import { judged, page as pageOf } from "../../tools/report/page.ts";
import { itself, network, type Source, sources, type Target, targets } from "../access/network.ts";
import { permissions } from "../access/permissions.ts";
import { networkTable, permissionTable, subjects } from "../access/tables.ts";
import { type Call, escapes, matrix, throughput, tokens } from "../support/results.ts";

const at = "2026-01-02T03:04:05Z";
const page = async (found: Found) => asHtml(await pageOf(found, new Date(at)));
const summaryOfJob = async (found: Found) => asText(await pageOf(found, new Date(at)));
const summary = (found: Found) => said(judged(found));

/** What tests find in a run in which everything answers as the tables say. */
function everything() {
  const allowed = {
    at,
    calls: permissions.flatMap(({ action, allowed }) =>
      ["antaeus", "payment"].flatMap((application) =>
        subjects.map((who): Call => {
          const is = allowed.includes(who);
          return {
            ...{ row: action, column: who, from: `somebody → ${application}` },
            ...{ wanted: is, found: is },
            ...{ called: `GET ${application}`, answered: is ? "200 " : "403 no" },
          };
        }),
      ),
    ),
  };
  const reached = {
    at,
    note: "all was as it was after 20.8 s",
    calls: (Object.keys(sources) as Source[]).flatMap((source) =>
      (Object.keys(targets) as Target[])
        .filter((target) => !itself[source]?.includes(target))
        .map((target): Call => {
          const is = network[source].includes(target);
          return {
            ...{ row: sources[source], column: targets[target], wanted: is, found: is },
            ...{ called: "10.0.0.1:80", answered: is ? "connected" : "silence" },
          };
        }),
    ),
  };
  return {
    run: { title: "make e2e", at, exitCode: 0 },
    permissions: allowed,
    network: reached,
    caller: {
      title: "Whom payment charges for",
      at,
      items: [{ what: "no token", expected: 401, answered: '401 no "sub"' }],
    },
    escapes: {
      title: "tried by a member of a team",
      ...{ head: "0123abc", at },
      items: [
        { what: "pods as root", layer: "Kubernetes", how: "merged", answered: "violates" },
        { what: "another quota", layer: "Argo CD", how: "API", answered: "403 no" },
      ],
    },
    scale: {
      title: "Throughput by replicas",
      at,
      curve: [
        { replicas: 1, chargesPerSecond: 2100.4, cpuMicroseconds: 310 },
        { replicas: 2, chargesPerSecond: 3900, cpuMicroseconds: 322 },
      ],
    },
    "drill-crashes": {
      title: "Rollback: a version that crashes",
      at,
      steps: [
        { step: "seen", seconds: 7.25 },
        { step: "rolled back", seconds: 1.5 },
      ],
      answered: 1234,
      failed: ["503"],
    },
    "drill-disaster": { title: "Disaster", at, steps: [{ step: "make up", seconds: 70 }] },
  };
}

type Tried = ReturnType<typeof everything>;

/** What the tests record of it. */
function recorded({ permissions, network, caller, escapes: tried, scale, ...others }: Tried) {
  const { note, calls } = network;
  const allowed = matrix("Who may do what", permissionTable, permissions.calls);
  const reached = matrix("Who may talk to whom", { ...networkTable, note }, calls);
  const { head } = tried;
  return {
    permissions: { at: permissions.at, ...allowed },
    network: { at: network.at, ...reached },
    caller: { at: caller.at, ...tokens(caller.title, caller.items) },
    escapes: { at: tried.at, head, ...escapes(tried.title, tried.items) },
    scale: { at: scale.at, ...throughput(scale.title, scale.curve) },
    ...others,
  };
}

const unescaped = (text: string) => text.replaceAll("&#39;", "'").replaceAll("&quot;", '"');
const verdicts = (text: string, kind: string) => text.split(` class="${kind}"`).length - 1;

/** Runs make report's script in a folder with these files. @returns all that it printed */
async function command(
  t: ExecutionContext,
  files: Record<string, string>,
  exitCode = "",
): Promise<[string, string]> {
  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  const summary = join(cwd, "summary.md");
  writeFileSync(summary, "before\n");
  const printed = run(process.execPath, [resolve("tools/commands/report.ts")], {
    cwd,
    both: true,
    env: { ...process.env, GITHUB_STEP_SUMMARY: summary, EXIT_CODE: exitCode },
  });
  return [cwd, await printed.catch((error: Error) => error.message)];
}

test("the page shows every action, source, target, token, escape attempt, drill and curve", async (t) => {
  const found = everything();
  const text = unescaped(await page(recorded(found)));
  for (const word of [
    ...permissions.map(({ action }) => action),
    ...subjects,
    ...Object.values(sources),
    ...Object.values(targets),
    ...["no token", "pods as root", "another quota", "7.3 s: seen", "20.8 s", "1,234", "70.0 s"],
    ...["0123abc", "2026-01-02 03:04 UTC", "1 failed (503)", "2100", "322 µs"],
  ]) {
    t.true(text.includes(word), word);
  }
  t.is(verdicts(text, "wrong"), 0);
  t.notRegex(text, /WRONG|Left out|not tried/);
  t.regex(
    text,
    /<p>2 drills \(1,234 charges answered, 1 failed\)\.</,
    "no test says of it whether it is right",
  );
  t.regex(
    summary(recorded(found)),
    /^✓ As it should be: .* 2 drills \(1,234 charges answered, 1 failed\)\.$/,
  );
});

test("a cell is wrong when one of its calls is not as the table says", async (t) => {
  const found = everything();
  const cell = found.permissions.calls.find(
    ({ row, column }) => row === "roll back" && column === "another team",
  );
  Object.assign(cell ?? {}, { found: true, answered: "200 done" });
  const text = await page(recorded(found));
  t.is(verdicts(text, "wrong"), 2, "the cell's, and that of the whole page");
  t.regex(text, /WRONG: allowed and denied; the table says denied/);
  t.regex(text, /<details class="wrong" open>.*⚠ somebody → antaeus: GET antaeus: 200 done/);
  t.regex(
    await summaryOfJob(recorded(found)),
    /^\| roll back \| .*⚠ WRONG: allowed and denied; .*GET antaeus: 200 done.* \|$/m,
  );
  t.regex(text, /permission cells: ⚠ 1 WRONG\./);
  t.regex(text, /network cells: as it should be\./, "the other table is");
  t.regex(summary(recorded(found)), /^⚠ 1 WRONG/);
});

test("a connection or a token is wrong likewise", async (t) => {
  const wrong = (change: (found: Tried) => void) => {
    const found = everything();
    change(found);
    t.regex(summary(recorded(found)), /^⚠ 1 WRONG/);
    return page(recorded(found));
  };
  t.regex(
    await wrong(({ network }) =>
      Object.assign(network.calls.find(({ wanted }) => !wanted) ?? {}, { found: true }),
    ),
    /reached; the table says blocked/,
  );
  t.regex(
    await wrong(({ caller }) => Object.assign(caller.items[0] ?? {}, { answered: "200 " })),
    /⚠ WRONG: 200/,
  );
});

test("the page says of no run that it was as it should be, unless it came to a good end", async (t) => {
  const found = everything();
  const { run, ...interrupted } = recorded(found);
  const failed = { ...interrupted, run: { ...run, exitCode: 1 } };
  t.regex(
    summary(failed),
    /^⚠ The run failed \(exit code 1\).* Nothing is wrong .*: \d+ permission/,
  );
  t.regex(await page(failed), /<p><span class="wrong">⚠ The run failed/);
  t.regex(await summaryOfJob(failed), /⚠ The run failed/);
  for (const one of [failed, interrupted]) t.notRegex(await page(one), /As it should be/);
  t.regex(summary(interrupted), /^⚠ The run did not come to its end/);
  t.is(summary({ run }), "⚠ Nothing was tried.");
  Object.assign(found.network.calls.find(({ wanted }) => wanted) ?? {}, { found: false });
  t.regex(
    summary({ ...recorded(found), run: { ...run, exitCode: 1 } }),
    /^⚠ 1 WRONG, of .* The run failed \(exit code 1\)/,
  );
});

test("what was not tried is not shown as if it had been", async (t) => {
  const found = everything();
  found.permissions.calls = found.permissions.calls.filter(({ row }) => row !== "roll back");
  const text = await page(recorded(found));
  t.is(text.split("? not tried").length - 1, subjects.length);
  t.regex(summary(recorded(found)), /4 cells not tried/);

  found.escapes.items = [];
  t.regex(await page(recorded(found)), /None was tried in this run/);
  t.regex(summary(recorded(found)), /as far as it was tried: .*, 0 escape attempts/);

  const { run, caller } = recorded(found);
  const little = await page({ caller });
  t.is(little.split("Left out: there is no").length - 1, 5);
  t.regex(little, /Commit under test: not recorded\./);
  t.regex(summary({ run, caller }), /as far as it was tried: 1 token\.$/);
});

test("the page says when each part was recorded, and of what commit", async (t) => {
  const found = everything();
  found.caller.at = "2026-01-01T00:00:00Z";
  const text = await page(recorded(found));
  t.regex(text, /Commit under test, of the parts that say it: 0123abc\./);
  t.regex(text, /Recorded from 2026-01-01 00:00 UTC to 2026-01-02 03:04 UTC\./);
  t.regex(text, /Recorded 2026-01-02 03:04 UTC, of 0123abc\./);
});

test("whatever was answered, the page escapes it", async (t) => {
  const found = everything();
  const evil = `<script>alert("1")</script>&'`;
  for (const cell of [...found.permissions.calls, ...found.network.calls])
    Object.assign(cell, { called: evil, answered: evil });
  for (const item of [...found.caller.items, ...found.escapes.items])
    Object.assign(item, { what: evil, answered: evil });
  found.escapes.head = evil;
  Object.assign(found["drill-crashes"], { title: evil, steps: [{ step: evil, seconds: 1 }] });
  found["drill-crashes"].failed = [evil];
  const text = await page(recorded(found));
  t.notRegex(text, /<script/);
  t.notRegex(text, /alert\("/);
  t.true(text.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"));
  t.regex(
    text,
    /<\/svg>.*<strong>&lt;script&gt;alert.*<li>1.0 s: &lt;script&gt;alert.*<\/figure>/s,
  );
  t.notRegex((text.match(/<svg.*?<\/svg>/gs) ?? []).join(), /alert/);
  t.notRegex(await summaryOfJob(recorded(found)), /<script/);
});

test("nor is it taken for Markdown: a link, a table, emphasis", async (t) => {
  const found = everything();
  const text = "a | b\n*c* _d_ `e` [f](g) <https://h> www.i.org j@k.org https://l.org";
  Object.assign(found.caller.items[0] ?? {}, { what: text });
  const row = (await page(recorded(found))).match(/<td>(a \| b.*?)<\/td>/)?.[1];
  t.is(row, "a | b *c* _d_ `e` [f](g) &lt;https://h&gt; www.i.org j@k.org https://l.org");
});

test("the page needs no other file", async (t) => {
  const text = await page(recorded(everything()));
  t.notRegex(text, /\b(src|href|srcset|action)\s*=|<(script|link|iframe|img)\b/i);
  t.notRegex(text, /url\(|@import|https?:\/\//i);
});

test("make report writes the page and the summary of GitHub's job, of what make e2e recorded alone", async (t) => {
  const files = {
    "report/e2e/caller.json": JSON.stringify(recorded(everything()).caller),
    "report/bench.json": "{}",
  };
  const [folder, printed] = await command(t, files, "0");
  t.regex(printed, /report\/index.html: ✓ As it should be, as far as it was tried: 1 token\./);
  t.regex(readFileSync(join(folder, "report/index.html"), "utf8"), /no token/);
  const summary = readFileSync(join(folder, "summary.md"), "utf8");
  t.regex(summary, /^before\n# What make e2e found\n/);
  t.regex(summary, /^\| no token \| 401 \| .*✕ 401 no "sub".* \|$/m);
});

test("the page knows how the run ended, now and when it is written again", async (t) => {
  const files = { "report/e2e/caller.json": JSON.stringify(recorded(everything()).caller) };
  t.regex((await command(t, files))[1], /⚠ The run did not come to its end/);
  const [folder, printed] = await command(t, files, "2");
  t.regex(printed, /⚠ The run failed \(exit code 2\)/);
  const run = readFileSync(join(folder, "report/e2e/run.json"), "utf8");
  const again = await command(t, { ...files, "report/e2e/run.json": run });
  t.regex(again[1], /⚠ The run failed \(exit code 2\)/);
});

test("with nothing to report make report fails, whatever became of the run, and says what to do", async (t) => {
  for (const exitCode of ["", "0", "1"]) {
    const [folder, printed] = await command(t, { "report/bench.json": "{}" }, exitCode);
    t.regex(printed, /nothing in report\/e2e\/ to report.* Run make e2e/);
    t.regex(printed, /commands\/report\.ts failed/, "it ends with an error");
    t.notRegex(printed, /As it should be|at .*\.ts:/);
    const page = join(folder, "report/index.html");
    t.is(existsSync(page), exitCode !== "", "there is no page of no run");
    if (exitCode) t.notRegex(readFileSync(page, "utf8"), /As it should be/);
  }
});
