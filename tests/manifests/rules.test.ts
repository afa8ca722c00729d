import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { here } from "../support/repository.ts";
import { countedIn, escapes, withCounts } from "./counts.ts";
import { rules } from "./rules.ts";

test("a fork passes that changes the owner everywhere", async (t) => {
  const fork = (root: string) => {
    for (const file of here.allFiles.filter((path) => /^(\.github|apps|clusters)\//.test(path))) {
      const text = here.read(file);
      if (text.includes(here.owner))
        writeFileSync(join(root, file), text.replaceAll(here.owner, "a-fork"));
    }
  };
  await here.changed(fork, async (copy) => {
    t.is(copy.owner, "a-fork");
    for (const { title, check } of rules) t.deepEqual(await check(copy), [], title);
  });
});

test("the documents say how many escape attempts there are: make report writes it", (t) => {
  t.true(escapes >= 90);
  for (const file of countedIn) {
    const text = here.read(file);
    t.regex(text, /<!-- escapes -->\d+<!-- \/escapes -->/, file);
    t.is(withCounts(text), text, file);
  }
  t.is(
    withCounts("<!-- escapes -->1<!-- /escapes -->"),
    `<!-- escapes -->${escapes}<!-- /escapes -->`,
  );
});

for (const { title, check } of rules) {
  test(title, async (t) => {
    t.deepEqual(await check(here), []);
  });
}
