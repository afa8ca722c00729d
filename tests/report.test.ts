import { readFileSync } from "node:fs";
import test from "ava";
import { network, sources } from "../e2e/network.ts";
import { permissions, type Who } from "../e2e/permissions.ts";
import type { Found } from "../scripts/lib/found.ts";
import { withTables } from "../scripts/lib/readme.ts";
import { page, summary } from "../scripts/lib/report-page.ts";

const at = new Date("2026-01-02T03:04:05Z");
const call = { called: "GET applications/antaeus", answered: "200" };

/** What a run finds in which everything is as declared. */
function found(): Required<Pick<Found, "permissions" | "network" | "caller" | "escapes">> & Found {
  const subjects: Who[] = ["own team", "another team", "platform", "no team"];
  return {
    permissions: {
      title: "Who may do what",
      at,
      cells: permissions.flatMap(({ action, allowed }) =>
        subjects.map((who) => {
          const may = allowed.includes(who);
          return {
            ...call,
            user: "a",
            who,
            application: "antaeus",
            action,
            expected: may,
            actual: may,
          };
        }),
      ),
    },
    network: {
      title: "Who may talk to whom",
      at,
      seconds: 12.3,
      cells: [
        {
          ...call,
          source: sources.stranger,
          target: "payment:9000",
          expected: false,
          actual: false,
        },
      ],
    },
    caller: {
      title: "Tokens",
      at,
      items: [{ what: "no token", expected: 401, answered: "401 No" }],
    },
    escapes: {
      title: "Ways out",
      at,
      head: "abc1234",
      items: [
        { what: "a role", layer: "Argo CD", how: "merged", answered: "<script>alert(1)</script>" },
      ],
    },
    "drill-crashes": {
      title: "Rollback",
      at,
      steps: [{ step: "rolled back", seconds: 1.3 }],
      answered: 12366,
      failed: [],
    },
    "drill-disaster": { title: "Disaster", at, steps: [{ step: "make up", seconds: 70 }] },
  };
}

test("README's tables are those that the tests try", (t) => {
  const readme = readFileSync("README.md", "utf8");
  t.regex(readme, /<!-- permissions -->.+sync to what Git says.+<!-- \/permissions -->/s);
  t.is(withTables(readme), readme, "make report writes them anew");
});

test("the page has every row, the timings, and says that all is well", (t) => {
  const text = page(found(), at);
  for (const { action } of permissions) t.true(text.includes(action.replace("'", "&#39;")), action);
  for (const source of Object.keys(network)) {
    const words = sources[source as keyof typeof sources].replace("'", "&#39;");
    t.true(text.includes(words), words);
  }
  t.regex(text, /rolled back.*1\.3 s/);
  t.regex(text, /12,366/);
  t.regex(summary(found()), /^✓ As it should be: 8\d permission cells, 1 network cell/);
});

test("an answer that is not as declared is shown as wrong, wherever it is", (t) => {
  const wrong = [found(), found(), found()] as const;
  for (const cell of wrong[0].permissions.cells.slice(0, 1)) cell.actual = !cell.actual;
  for (const cell of wrong[1].network.cells) cell.actual = !cell.actual;
  for (const item of wrong[2].caller.items) item.answered = "200";
  for (const run of wrong) {
    t.regex(summary(run), /^⚠ 1 WRONG/);
    t.regex(page(run, at), /⚠ WRONG<\/b>/);
  }
  t.notRegex(page(found(), at), /⚠ WRONG<\/b>/);
});

test("what was answered is text, and the page needs nothing from elsewhere", (t) => {
  const text = page(found(), at);
  t.false(text.includes("<script"));
  t.true(text.includes("&#60;script"));
  t.notRegex(text, /(src|href)=|@import|url\(/);
});

test("a part without findings is left out, and the page says so", (t) => {
  const { network: _, ...rest } = found();
  t.regex(page(rest, at), /there is no <code>report\/network\.json/);
});
