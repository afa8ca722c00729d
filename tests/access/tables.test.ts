import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { networkMarkdown, permissionsMarkdown, tablesFile, withTables } from "./tables.ts";

test("the tables of docs/access.md are the declared ones: make report writes them", (t) => {
  const document = readFileSync(tablesFile, "utf8");
  t.regex(document, /<!-- permissions -->.+sync to what Git says.+<!-- \/permissions -->/s);
  t.is(withTables(document), document);
  for (const name of ["allowed", "permissions", "refused", "network"])
    t.true(document.includes(`<!-- ${name} -->`) && document.includes(`<!-- /${name} -->`), name);
});

test("make report writes the tables into docs/access.md", async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  const before = "<!-- network -->\n<!-- /network -->\n";
  mkdirSync(join(cwd, "docs"));
  writeFileSync(join(cwd, tablesFile), before);
  const write = () =>
    run(process.execPath, [resolve("tests/manifests/write-documents.ts")], { cwd });
  t.regex(await write(), /docs\/access.md/);
  t.is(readFileSync(join(cwd, tablesFile), "utf8"), withTables(before));
  t.is(await write(), "", "there is nothing left to write");
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
  t.regex(
    allowed,
    /^\| `Deployment\.spec` \| `replicas`: 1 to 10; `revisionHistoryLimit`: 1 to 10;/m,
  );
  t.regex(allowed, /^\| `pod\.volumes\[\]\.emptyDir` \| `sizeLimit` \(required\): 1Mi to 999Mi/m);
  t.regex(once, /^\| roll back \| yes \| – \| yes \| – \|$/m);
  t.regex(once, /^\| payment \| – \| – \| itself \| – \| – \| – \| yes \| yes \| – \|$/m);
});
