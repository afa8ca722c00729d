import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { fakeGh, httpError, type Table } from "../support/fake-gh.ts";

const { on, permissions, jobs } = parse(readFileSync(".github/workflows/preview.yaml", "utf8"));

const head = "5d6e7f80".repeat(5);

/** What a workflow's expressions read, after a run of the tests of a fork's branch. */
const context = {
  github: {
    repository: "an-owner/a-name",
    token: "a-token",
    event: {
      repository: { default_branch: "main" },
      workflow_run: {
        head_branch: "change",
        head_sha: head,
        head_repository: { owner: { login: "somebody" } },
      },
    },
  },
};

const list =
  "api --method GET repos/an-owner/a-name/pulls -f state=open -f base=main -f head=somebody:change ";
const comment = "pr comment 7 --edit-last --create-if-none --body-file report/preview.md";
const commented = { [comment]: ["https://github.com/an-owner/a-name/pull/7#issuecomment-900"] };

/** Runs the step that comments to its end, as GitHub does. */
async function step(t: ExecutionContext, table: Table, github = context.github) {
  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  mkdirSync(join(cwd, "report"));
  writeFileSync(join(cwd, "report/preview.md"), "the preview");
  const { run: script, env } = jobs.comment.steps.at(-1);
  const value = (path: string) =>
    path
      .split(".")
      .reduce<unknown>((from, key) => (from as Record<string, unknown>)[key], { github });
  const filled = Object.entries<string>(env).map(([name, text]) => [
    name,
    text.replaceAll(/\$\{\{ ([\w.]+) \}\}/g, (_all, path) => String(value(path))),
  ]);
  const gh = fakeGh(table);
  const PATH = `${gh.folder}:${process.env.PATH}`;
  const all = { ...process.env, ...Object.fromEntries(filled), PATH };
  writeFileSync(join(cwd, "step.sh"), script);
  const [succeeded, printed] = await run("bash", ["-e", "step.sh"], {
    cwd,
    env: all,
    both: true,
  }).then(
    (printed): [boolean, string] => [true, printed],
    (error: Error): [boolean, string] => [false, error.message],
  );
  return { succeeded, printed, env: all, asked: gh.calls().map(({ args }) => args), cwd };
}

test("the preview is one comment of the pull request that has this commit as its newest", async (t) => {
  const { succeeded, printed, asked, env } = await step(t, {
    [list]: [`${head} 7`],
    ...commented,
  });
  t.true(succeeded, printed);
  t.regex(printed, /pull\/7#issuecomment-900/);
  t.deepEqual(asked, [`${list}--jq .[] | "\\(.head.sha) \\(.number)"`, comment]);
  t.like(env, { GH_TOKEN: "a-token", GH_REPO: "an-owner/a-name" });
});

test("a preview that is overtaken, or of a pull request to elsewhere, is not shown", async (t) => {
  // GitHub lists none that is closed, goes to another branch, or comes from another owner's branch.
  for (const listed of [`${"1".repeat(40)} 7`, `${head}0 7`, ""]) {
    const { succeeded, printed, asked } = await step(t, { [list]: [listed], ...commented });
    t.true(succeeded, printed);
    t.regex(printed, /nothing to show/);
    t.is(asked.length, 1);
  }
});

test("a branch may be called as it likes: nothing of its name is run", async (t) => {
  const branch = "$(date>ran);`date>ran`'\"";
  const event = structuredClone(context.github.event);
  event.workflow_run.head_branch = branch;
  const { succeeded, printed, asked, cwd } = await step(
    t,
    { [`-f head=somebody:${branch} --jq`]: [`${head} 7`], ...commented },
    { ...context.github, event },
  );
  t.true(succeeded, printed);
  t.is(asked.length, 2);
  t.false(existsSync(join(cwd, "ran")));
});

test("a token that may not list, or not comment, fails the job and says why", async (t) => {
  for (const table of [
    { [list]: [httpError(403, "Resource not accessible by integration")] },
    {
      [list]: [`${head} 7`],
      [comment]: [httpError(403, "Resource not accessible by integration")],
    },
  ]) {
    const { succeeded, printed } = await step(t, table);
    t.false(succeeded);
    t.regex(printed, /not accessible by integration/);
    t.notRegex(printed, /nothing to show/);
  }
});

test("what renders a pull request may only read, and what comments runs nothing of it", (t) => {
  // Defined by the default branch, for forks too; on pull_request it would be by the pull request.
  t.deepEqual(Object.keys(on), ["workflow_run"]);
  t.deepEqual(permissions, {});
  t.deepEqual(jobs.render.permissions, { contents: "read" });
  t.deepEqual(jobs.comment.permissions, { contents: "read", "pull-requests": "write" });
  const steps = (job: { steps: { uses?: string; with?: Record<string, unknown> }[] }) =>
    job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
  t.is(steps(jobs.render).length, 1);
  for (const checkout of steps(jobs.render)) {
    t.is(checkout.with?.ref, undefined);
    t.is(checkout.with?.repository, undefined);
    t.is(checkout.with?.["persist-credentials"], false);
  }
  t.deepEqual(steps(jobs.comment), []);
  t.notRegex(
    JSON.stringify(jobs.comment),
    /git (fetch|clone)|head_ref|gh (pr|repo) c(heckout|lone)/,
  );
  // Expressions are filled into a script before a shell reads it; its environment is data.
  for (const { run = "" } of [...jobs.render.steps, ...jobs.comment.steps])
    t.notRegex(run, /\$\{\{/);
  t.notRegex(JSON.stringify(jobs.render), /token|secrets/i);
});
