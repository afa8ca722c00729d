// test.yaml itself, run by nektos/act. In place of make stands what notes the targets that were asked for.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { commit, git, runWorkflow, script, startRepository, tried, work } from "../support/act.ts";

const notes = mkdtempSync(join(tmpdir(), "pe-gitops-made-"));
test.after.always(() => rmSync(notes, { recursive: true }));

test.before(async () => {
  await startRepository();
  // It says in which of the jobs, and fails where a file of the target's name says so.
  script(
    "make",
    `echo "$1\${BASE:+ BASE=$(git rev-parse "$BASE")}" >> "${notes}/$GITHUB_JOB"; ! [ -e "${notes}/fails-$1" ]`,
  );
});

test.afterEach(() => {
  for (const name of readdirSync(notes)) rmSync(join(notes, name));
});

/** The targets that a job asked for, in order. */
const made = (job: string) => readFileSync(join(notes, job), "utf8").trim().split("\n");

tried("a pull request is tested by the targets that people type, each job its own", async (t) => {
  t.timeout(300_000);
  const main = await git("rev-parse", "HEAD");
  await git("checkout", "--quiet", "-b", "change");
  writeFileSync(join(work, "changed"), "");
  await commit("a change");
  await git("checkout", "--quiet", "-B", "merged", main);
  await git("merge", "--quiet", "--no-ff", "--no-edit", "change");
  const pull = { pull_request: { number: 7, base: { ref: "main" }, head: { ref: "change" } } };
  const [succeeded, printed] = await runWorkflow("test", "pull_request", { payload: pull });
  t.true(succeeded, printed);
  t.deepEqual(made("manifests"), ["test-manifests", `verify-images BASE=${main}`, "mutate"]);
  t.deepEqual(made("test"), ["run", "test", "schemathesis"]);
  t.deepEqual(made("cluster"), [
    ...["up", "test-images", "e2e", "pay", "status", "disaster-drill", "down"],
  ]);
});

tried("what fails ends its job, which still says what is deployed, and no other", async (t) => {
  t.timeout(300_000);
  writeFileSync(join(notes, "fails-e2e"), "");
  const [succeeded] = await runWorkflow("test", "push");
  t.false(succeeded);
  t.deepEqual(made("cluster"), ["up", "test-images", "e2e", "status"]);
  t.deepEqual(
    made("manifests"),
    ["test-manifests", "mutate"],
    "signatures are asked before a merge",
  );
  t.deepEqual(made("test"), ["run", "test", "schemathesis"]);
});
