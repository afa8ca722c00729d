import { rmSync } from "node:fs";
import test from "ava";
import { apply } from "../support/edits.ts";
import { here, Repository } from "../support/repository.ts";
import type { Rule } from "./rule.ts";
import { rules } from "./rules.ts";

const copy = here.copy();
const total = rules.flatMap(({ mutations }) => mutations).length;
let found = 0;

test.after.always(() => {
  rmSync(copy, { recursive: true });
  console.log(`▸ ${found} of ${total} mutations found`);
});

/** The violations, or why the manifests do not render. */
const said = async ({ check }: Rule, of: Repository): Promise<string> =>
  (async () => (await check(of)).join("\n"))().catch(({ message }) => message);

test("each rule has a mutation", (t) => {
  for (const { title, mutations } of rules) t.true(mutations.length > 0, title);
});

test.serial("without a mutation no rule finds a violation", async (t) => {
  for (const rule of rules) t.is(await said(rule, here), "", rule.title);
});

// One after another, in the one copy; what a mutation does not touch is rendered once.
for (const rule of rules) {
  for (const mutation of rule.mutations) {
    test.serial(`"${rule.title}" finds ${mutation.what}`, async (t) => {
      t.notRegex("", mutation.says);
      const undo = apply(copy, mutation);
      try {
        t.regex(await said(rule, new Repository(copy)), mutation.says);
        found++;
      } finally {
        undo();
      }
    });
  }
}
