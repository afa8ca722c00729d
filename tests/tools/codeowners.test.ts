import test from "ava";
import { matches, owners } from "../../tools/repository/codeowners.ts";

test("of the rules that match a file, the last one wins", (t) => {
  const rules = [
    { pattern: "*", owners: ["@a"] },
    { pattern: "/docs/", owners: ["@b"] },
  ];
  t.deepEqual(owners(rules, "docs/file"), ["@b"]);
  t.deepEqual(owners(rules, "file"), ["@a"]);
  t.deepEqual(owners(rules.toReversed(), "docs/file"), ["@a"]);
});

test("a pattern that is not known is not guessed", (t) => {
  for (const pattern of ["*.ts", "docs/", "/docs", "/docs/*", "/docs/**/"])
    t.throws(() => matches(pattern, "docs/file.ts"), undefined, pattern);
});
