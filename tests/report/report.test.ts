import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import type { Found, Network, Permissions } from "./found.ts";
import { page, summary } from "./page.ts";
import {
  networkMarkdown,
  permissionsMarkdown,
  subjects,
  tablesFile,
  withTables,
} from "../access/tables.ts";
import { itself, network, type Source, sources, type Target, targets } from "../access/network.ts";
import { permissions } from "../access/permissions.ts";

const at = new Date("2026-01-02T03:04:05Z");

/** A run in which everything answers as the tables say. */
function everything() {
  const allowed: Permissions = {
    title: "Who may do what",
    at,
    cells: permissions.flatMap(({ action, allowed }) =>
      ["antaeus", "payment"].flatMap((application) =>
        subjects.map((who) => {
          const is = allowed.includes(who);
          const answer = { called: `GET ${application}`, answered: is ? "200 " : "403 no" };
          return {
            user: "somebody",
            who,
            application,
            action,
            expected: is,
            actual: is,
            ...answer,
          };
        }),
      ),
    ),
  };
  const reached: Network = {
    title: "Who may talk to whom",
    at,
    seconds: 20.75,
    cells: (Object.keys(sources) as Source[]).flatMap((source) =>
      (Object.keys(targets) as Target[])
        .filter((target) => !itself[source]?.includes(target))
        .map((target) => {
          const is = network[source].includes(target);
          const words = { source: sources[source], target: targets[target] };
          const answer = { called: "10.0.0.1:80", answered: is ? "connected" : "silence" };
          return { ...words, expected: is, actual: is, ...answer };
        }),
    ),
  };
  return {
    permissions: allowed,
    network: reached,
    caller: {
      title: "Whom payment charges for",
      at,
      items: [{ what: "no token", expected: 401, answered: '401 no "sub"' }],
    },
    escapes: {
      title: "Ways out that were tried",
      head: "0123abc",
      at,
      items: [
        { what: "pods as root", layer: "Kubernetes", how: "merged", answered: "violates" },
        { what: "another quota", layer: "Argo CD", how: "API", answered: "403 no" },
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
  } satisfies Found;
}

const unescaped = (text: string) => text.replaceAll("&#39;", "'").replaceAll("&#34;", '"');
const cellsOf = (text: string, kind: string) => text.split(`<td class="${kind}"`).length - 1;

/** Runs make report's script in a folder with these files. @returns all that it printed */
async function command(
  t: ExecutionContext,
  files: Record<string, string>,
): Promise<[string, string]> {
  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  for (const folder of ["report", "docs"]) mkdirSync(join(cwd, folder));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const printed = run(process.execPath, [resolve("tests/report/report.ts")], { cwd, both: true });
  return [cwd, await printed.catch((error: Error) => error.message)];
}

test("the tables of docs/access.md are the declared ones: make report writes them", (t) => {
  const document = readFileSync(tablesFile, "utf8");
  t.regex(document, /<!-- permissions -->.+sync to what Git says.+<!-- \/permissions -->/s);
  t.is(withTables(document), document);
  for (const name of ["allowed", "permissions", "network"])
    t.true(document.includes(`<!-- ${name} -->`) && document.includes(`<!-- /${name} -->`), name);
});

test("the tables go between their markers, again and again", (t) => {
  const text =
    "a\n<!-- permissions -->\nold\n<!-- /permissions -->\nb\n<!-- network --><!-- /network -->\nc\n";
  const once = withTables(text);
  t.is(
    once,
    `a\n<!-- permissions -->\n\n${permissionsMarkdown()}\n\n<!-- /permissions -->\nb\n<!-- network -->\n\n${networkMarkdown()}\n\n<!-- /network -->\nc\n`,
  );
  t.is(withTables(once), once);
  t.is(withTables("no markers"), "no markers");
  const allowed = withTables("<!-- allowed --><!-- /allowed -->");
  t.regex(allowed, /^\| `Deployment\.spec` \| `replicas`: 1 to 10; `revisionHistoryLimit`: 1 to 10;/m);
  t.regex(allowed, /^\| `pod\.volumes\[\]\.emptyDir` \| `sizeLimit` \(required\): 1Mi to 999Mi/m);
  t.regex(once, /^\| roll back \| yes \| – \| yes \| – \|$/m);
  t.regex(once, /^\| payment \| – \| – \| itself \| – \| – \| yes \| yes \| – \|$/m);
});

test("the page shows every action, source, target, token, way out and drill", (t) => {
  const found = everything();
  const text = unescaped(page(found, at));
  for (const word of [
    ...permissions.map(({ action }) => action),
    ...subjects,
    ...Object.values(sources),
    ...Object.values(targets),
    ...[
      "no token",
      "pods as root",
      "another quota",
      "1. seen",
      "7.3 s",
      "20.8 s",
      "1,234",
      "70.0 s",
    ],
    ...["0123abc", "2026-01-02 03:04 UTC", "1 (503)"],
  ]) {
    t.true(text.includes(word), word);
  }
  t.is(cellsOf(text, "wrong"), 0);
  t.notRegex(text, /WRONG|Left out|not tried/);
  t.regex(
    summary(found),
    /^✓ As it should be: .* 2 drills \(1,234 charges answered, 1 failed\)\.$/,
  );
});

test("a cell is wrong when one of its calls is not as the table says", (t) => {
  const found = everything();
  const cell = found.permissions.cells.find(
    ({ action, who }) => action === "roll back" && who === "another team",
  );
  Object.assign(cell ?? {}, { actual: true, answered: "200 done" });
  const text = page(found, at);
  t.is(cellsOf(text, "wrong"), 1);
  t.regex(text, /WRONG<\/b> allowed and denied; the table says denied/);
  t.regex(text, /GET antaeus<\/code> <span>200 done/);
  t.regex(text, /all as the table says/, "the other table is");
  t.regex(summary(found), /^⚠ 1 WRONG/);
});

test("a connection, a token or a run of another table is wrong likewise", (t) => {
  const wrong = (change: (found: ReturnType<typeof everything>) => void) => {
    const found = everything();
    change(found);
    t.regex(summary(found), /^⚠ 1 WRONG/);
    return page(found, at);
  };
  t.regex(
    wrong(({ network }) =>
      Object.assign(network.cells.find(({ expected }) => !expected) ?? {}, { actual: true }),
    ),
    /reached; the table says blocked/,
  );
  t.regex(
    wrong(({ caller }) => Object.assign(caller.items[0] ?? {}, { answered: "200 " })),
    /⚠ WRONG<\/b> 200/,
  );
  t.regex(
    wrong(({ permissions }) => {
      Object.assign(permissions.cells[0] ?? {}, { expected: false, actual: false });
    }),
    /said otherwise in the run/,
  );
});

test("what was not tried is not shown as if it had been", (t) => {
  const found = everything();
  found.permissions.cells = found.permissions.cells.filter(({ action }) => action !== "roll back");
  const text = page(found, at);
  t.is(text.split("<small>not tried</small>").length - 1, subjects.length);
  t.regex(summary(found), /4 cells not tried/);

  found.escapes.items = [];
  t.regex(page(found, at), /None was tried in this run/);
  t.regex(summary(found), /as far as it was tried: .*, 0 ways out/);

  const little = page({ caller: found.caller }, at);
  t.is(little.split("Left out: there is no").length - 1, 4);
  t.regex(little, /commit under test is not recorded/);
});

test("the page says when each part was recorded, and of what commit", (t) => {
  const found = everything();
  found.caller.at = new Date("2026-01-01T00:00:00Z");
  const text = page(found, at);
  t.regex(text, /Commit under test, of the parts that say it: <code>0123abc<\/code>\./);
  t.regex(text, /Recorded from 2026-01-01 00:00 UTC to 2026-01-02 03:04 UTC\./);
  t.regex(text, /Recorded 2026-01-02 03:04 UTC, of <code>0123abc<\/code>\./);
});

test("whatever was answered, the page escapes it", (t) => {
  const found = everything();
  const evil = `<script>alert("1")</script>&'`;
  for (const cell of [...found.permissions.cells, ...found.network.cells])
    Object.assign(cell, { called: evil, answered: evil });
  for (const item of [...found.caller.items, ...found.escapes.items])
    Object.assign(item, { what: evil, answered: evil });
  found.escapes.head = evil;
  Object.assign(found["drill-crashes"], { title: evil, steps: [{ step: evil, seconds: 1 }] });
  found["drill-crashes"].failed = [evil];
  const text = page(found, at);
  t.notRegex(text, /<script|alert\("/);
  t.true(text.includes("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;"));
});

test("the page needs no other file", (t) => {
  const text = page(everything(), at);
  t.notRegex(text, /\b(src|href|srcset|action)\s*=|<(script|link|iframe|img)\b/i);
  t.notRegex(text, /url\(|@import|https?:\/\//i);
});

test("make report writes the page, and the tables", async (t) => {
  const { at: _, ...caller } = everything().caller;
  const tables = "<!-- network -->\n<!-- /network -->\n";
  const files = { [tablesFile]: tables, "report/caller.json": JSON.stringify(caller) };
  const [folder, printed] = await command(t, files);
  t.regex(printed, /report\/index.html: ✓ As it should be: 1 token\./);
  t.regex(readFileSync(join(folder, "report/index.html"), "utf8"), /no token/);
  t.is(readFileSync(join(folder, tablesFile), "utf8"), withTables(tables));
});

test("without a run there is no page, and make report says what to do", async (t) => {
  const [, printed] = await command(t, { [tablesFile]: "" });
  t.regex(printed, /run make e2e/);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
});
