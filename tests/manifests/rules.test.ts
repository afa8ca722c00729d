import test from "ava";
import { Repository } from "../support/repository.ts";
import { rules } from "./rules.ts";

const repository = new Repository();

for (const [title, rule] of Object.entries(rules)) {
  test(title, async (t) => {
    t.deepEqual(await rule(repository), []);
  });
}
