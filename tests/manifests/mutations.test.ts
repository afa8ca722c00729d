import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Repository } from "../support/repository.ts";
import { edited, type Mutation, mutations } from "./mutations.ts";
import type { Rule } from "./rule.ts";
import { rules } from "./rules.ts";

const repository = new Repository();
const copy = repository.copy();
const all = Object.values(mutations).flat();
let found = 0;

test.after.always(() => {
  rmSync(copy, { recursive: true });
  console.log(`▸ ${found} of ${all.length} mutations found`);
});

/** @returns how to take the mutation back */
function apply(mutation: Mutation): () => void {
  const path = join(copy, mutation.file);
  const isNew = mutation.from === undefined;
  if (isNew && existsSync(path)) throw new Error(`${mutation.file} is there already`);
  const text = isNew ? "" : readFileSync(path, "utf8");
  writeFileSync(path, edited(text, mutation));
  return () => (isNew ? rmSync(path) : writeFileSync(path, text));
}

/** What does not render is said too. */
const said = async (rule: Rule, of: Repository): Promise<string> =>
  (async () => (await rule(of)).join("\n"))().catch(({ message }) => message);

test("each rule has mutations, and each mutation a rule", (t) => {
  t.deepEqual(Object.keys(mutations).sort(), Object.keys(rules).sort());
});

test.serial("without a mutation no rule says anything", async (t) => {
  for (const [title, rule] of Object.entries(rules)) t.is(await said(rule, repository), "", title);
});

// One after another, in the one copy; what a mutation does not touch is rendered once.
for (const [title, rule] of Object.entries(rules)) {
  for (const mutation of mutations[title] ?? []) {
    test.serial(`${title}; not so with ${mutation.what}`, async (t) => {
      t.notRegex("", mutation.says);
      const undo = apply(mutation);
      try {
        t.regex(await said(rule, new Repository(copy)), mutation.says);
        found++;
      } finally {
        undo();
      }
    });
  }
}
