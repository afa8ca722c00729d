import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { here } from "../support/repository.ts";
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

for (const { title, check } of rules) {
  test(title, async (t) => {
    t.deepEqual(await check(here), []);
  });
}
