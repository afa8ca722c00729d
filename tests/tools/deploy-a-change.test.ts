import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { owner } from "../support/owner.ts";
import { valuesFile, withShare } from "../support/share.ts";

const document = "docs/delivery.md";
const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(root, { recursive: true }));

test("docs/delivery.md's commands bring a change to a branch, and show what comes of it", async (t) => {
  const [work, origin] = [join(root, "work"), join(root, "origin")];
  const shell = (commands: string) => run("bash", ["-ec", commands], { cwd: work, both: true });
  await run("git", ["checkout-index", "--all", `--prefix=${work}/`]);
  // What is installed here is of this package-lock.json.
  utimesSync(join(work, "package-lock.json"), 0, 0);
  mkdirSync(".tools", { recursive: true });
  for (const folder of ["node_modules", ".tools"]) symlinkSync(resolve(folder), join(work, folder));
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  await shell(`
    git init --quiet --initial-branch=main
    git config user.name test
    git config user.email test@localhost
    git remote add origin ${origin}
    git add -- ':!node_modules' ':!.tools'
    git commit --quiet --message first
    git push --quiet origin main`);

  // The third, after the merge, is run by tests/e2e/live.test.ts; those of the App change GitHub.
  const [begin = "", middle = "", end = "", ...more] = commandsUnder(document, "Deploy a change");
  t.is(end, "git switch main\ngit pull\nmake live\n");
  t.deepEqual(more, []);
  const setUp = commandsUnder(document, "The GitHub App that pushes bumps");
  t.is(setUp.length, 1);
  t.regex(setUp[0] ?? "", /^make branch-protection BUMP_APP=\d+\n(gh (.*\\\n)?.*\n)+$/);

  await shell(begin);
  const file = join(work, valuesFile);
  writeFileSync(file, withShare("0.75")(readFileSync(file, "utf8")));
  const printed = await shell(middle);
  t.regex(printed, /^\+ +value: "0.75"$/m, "make preview shows it");
  t.true(printed.includes(`@${owner}/payment`), "and who approves it");

  const pushed = ["-C", origin, "diff", "--unified=0", "main", "more-accepted"];
  const diff = await run("git", pushed);
  t.deepEqual(
    diff.match(/^[-+] .*$/gm)?.map((line) => line.replace(/ +/, "")),
    ['-value: "0.5"', '+value: "0.75"'],
  );
});
