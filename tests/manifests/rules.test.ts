import { rmSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { git } from "../../tools/git/git.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { here } from "../support/repository.ts";
import { countedIn, escapes, withCounts } from "./counts.ts";
import { rules } from "./rules.ts";

/** Runs a command of the documents in a copy, which is a Git repository meanwhile. */
async function inRepository(root: string, command: string): Promise<void> {
  await git(["init", "--quiet"], { folder: root });
  await git(["add", "--all"], { folder: root });
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await git([...author, "commit", "--quiet", "--message", "as it is"], { folder: root });
  await run("bash", ["-ec", command], { cwd: root });
  rmSync(join(root, ".git"), { recursive: true });
}

test("the command of the documents makes a fork, which passes", async (t) => {
  const [command = ""] = commandsUnder("docs/development.md", "A fork");
  const fork = (root: string) => inRepository(root, command);
  await here.changed(fork, async (copy) => {
    t.is(copy.nameOnGitHub, "you/yours");
    t.regex(copy.read(".github/CODEOWNERS"), /@you\/platform/);
    for (const { title, check } of rules) t.deepEqual(await check(copy), [], title);
  });
});

test("the command of the documents makes an environment without a Prometheus of ours, which passes", async (t) => {
  const [command = ""] = commandsUnder("docs/delivery.md", "A cluster that has a Prometheus");
  const without = (root: string) => inRepository(root, command);
  await here.changed(without, async (copy) => {
    t.deepEqual(await copy.monitoring("production"), []);
    t.not((await copy.monitoring("testing")).length, 0);
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
