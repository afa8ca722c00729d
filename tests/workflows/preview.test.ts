// preview.yaml itself, run by nektos/act: what it shows of a pull request that would like to show something else.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import {
  bin,
  commit,
  git,
  runWorkflow,
  script,
  shellAction,
  startRepository,
  tried,
  work,
} from "../support/act.ts";
import { type FakeProgram, fakeProgram } from "../support/fake-program.ts";
import { valuesFile, withShare } from "../support/share.ts";

const artifacts = mkdtempSync(join(tmpdir(), "pe-gitops-artifacts-"));
test.after.always(() => rmSync(artifacts, { recursive: true }));
const [shown, lies] = ["preview.md", "lies"].map((name) => join(artifacts, name)) as [
  string,
  string,
];

const actions = {
  "actions/upload-artifact": shellAction(`cp report/preview.md ${shown}`),
  "actions/download-artifact": shellAction(`"mkdir -p report && cp ${shown} report/preview.md"`),
};

let head = "";
let gh: FakeProgram;

/** The event of GitHub's: the tests of a commit have begun. */
const testsOf = (event: string, commit: string) => ({
  action: "in_progress",
  repository: { default_branch: "main" },
  workflow_run: {
    event,
    head_sha: commit,
    head_branch: "change",
    head_repository: { full_name: "somebody/a-fork", owner: { login: "somebody" } },
  },
});
const preview = (event: string) =>
  runWorkflow("preview", "workflow_run", { actions, payload: testsOf(event, head) });

test.before(async () => {
  await startRepository();
  // The pull request: a value, and commands of its own.
  await git("checkout", "--quiet", "-b", "change");
  const values = join(work, valuesFile);
  writeFileSync(values, withShare("0.4321")(readFileSync(values, "utf8")));
  writeFileSync(join(work, "Makefile"), `preview:\n\ttouch ${lies}\n`);
  writeFileSync(
    join(work, "tools/commands/preview.ts"),
    `import { writeFileSync } from "node:fs";\nwriteFileSync("${lies}", "");\n`,
  );
  head = await commit("a change");
  await git("push", "--quiet", "origin", "HEAD:change");
  await git("checkout", "--quiet", "main");

  const make = await run("sh", ["-c", "command -v make"]);
  // The packages and tools of this working copy, so that none has to be fetched.
  const links = [".tools", "node_modules"].map((name) => `ln -sfn "${resolve(name)}" ${name}`);
  script("make", `${links.join("; ")}; exec "${make}" -o node_modules/.package-lock.json "$@"`);
  gh = fakeProgram("gh", {}, bin);
});

test.beforeEach(() => {
  rmSync(shown, { force: true });
  gh.set({
    "api --method GET": [`${head} 7`],
    "pr comment 7 --edit-last --create-if-none --body-file report/preview.md": ["commented"],
  });
});

tried("a pull request is shown by the commands of main, and nothing of it is run", async (t) => {
  t.timeout(300_000);
  const [succeeded, printed] = await preview("pull_request");
  t.true(succeeded, printed);
  t.regex(readFileSync(shown, "utf8"), /^\+ .*0\.4321/m);
  t.false(existsSync(lies));
  t.is(gh.calls().length, 2);
  // The control: its own commands do run, where somebody checks them out.
  await git("checkout", "--quiet", head);
  await run("make", ["--silent", "-C", work, "preview"]);
  t.true(existsSync(lies));
  await git("checkout", "--quiet", "main");
});

tried("where the pull request has gone on, nothing is said of an older commit", async (t) => {
  t.timeout(300_000);
  gh.set({ "api --method GET": [`${"0".repeat(40)} 7`] });
  const [succeeded, printed] = await preview("pull_request");
  t.true(succeeded, printed);
  t.regex(printed, /there is nothing to show/);
  t.is(gh.calls().length, 1);
});

tried("tests of a commit on main show nothing", async (t) => {
  t.timeout(300_000);
  const [succeeded, printed] = await preview("push");
  t.true(succeeded, printed);
  t.false(existsSync(shown));
  t.deepEqual(gh.calls(), []);
});
