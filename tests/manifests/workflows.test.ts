import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { findTool, type Tool } from "../../tools/cli/pinned-tools.ts";

const folder = ".github/workflows";
const workflows = readdirSync(folder).map((file) => join(folder, file));

const actionlint = await findTool("actionlint");
const zizmor = await findTool("zizmor");

/** Both say whether the files are fine, and all that they found. */
type Lint = (files: string[]) => Promise<[fine: boolean, found: string]>;

const linter =
  (tool: Tool | undefined, args: string[]): Lint =>
  async (files) =>
    run(tool?.command ?? "", [...args, ...files], { both: true }).then(
      (found) => [true, found],
      (error: Error) => [false, error.message],
    );

// Without the linters of scripts: they find other things on each machine, and our steps are words of make.
const syntax = linter(actionlint, ["-no-color", "-shellcheck=", "-pyflakes="]);
const security = linter(zizmor, [
  ...["--offline", "--persona=pedantic", "--config=.github/zizmor.yml"],
  ...["--no-progress", "--color=never", "--quiet"],
]);

/** Where a tool cannot be had, its tests are left out, and make test says so; at CI they fail. */
const needs = (tool: Tool | undefined) => (tool || process.env.CI ? test : test.skip);

const header = `name: x
concurrency: { group: x, cancel-in-progress: true }
on: pull_request
permissions: {}
jobs:
  x:
    runs-on: ubuntu-24.04
    steps:
`;

/** What is said of a workflow with these steps. */
async function said(t: ExecutionContext, lint: Lint, steps: string, head = header) {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, folder), { recursive: true });
  const file = join(root, folder, "x.yaml");
  writeFileSync(file, head + steps);
  return lint([file]);
}

const pinnedStep =
  "      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2\n";

needs(actionlint)("every workflow is one that GitHub can run", async (t) => {
  const [fine, found] = await syntax(workflows);
  t.true(fine, found);
});

needs(actionlint)(
  "the check itself: what GitHub would refuse, or take for nothing, is found",
  async (t) => {
    const [fine, found] = await said(t, syntax, `${pinnedStep}      - run: make\n`);
    t.true(fine, found);
    for (const [steps, what] of [
      ["      - rum: make\n", /rum/],
      [`      - run: echo \${{ github.evnt.number }}\n`, /property "evnt" is not defined/],
      [
        `      - run: make\n        if: \${{ steps.none.outcome }}\n`,
        /property "none" is not defined/,
      ],
    ] as const) {
      const [broken, message] = await said(t, syntax, steps);
      t.false(broken, steps);
      t.regex(message, what);
    }
  },
);

needs(zizmor)("no workflow opens the repository to whoever asks", async (t) => {
  const [fine, found] = await security(workflows);
  t.true(fine, found);
});

needs(zizmor)("the check itself: each way in is found", async (t) => {
  const quiet = "        with:\n          persist-credentials: false\n";
  const [fine, found] = await said(t, security, `${pinnedStep}${quiet}`);
  t.true(fine, found);
  for (const [what, steps, head] of [
    ["unpinned-uses", `      - uses: actions/checkout@v6\n${quiet}`, header],
    ["artipacked", pinnedStep, header],
    ["template-injection", `      - run: echo \${{ github.event.pull_request.title }}\n`, header],
    ["excessive-permissions", "      - run: make\n", header.replace("{}", "write-all")],
    ["dangerous-triggers", "      - run: make\n", header.replace("pull_request", "workflow_run")],
  ] as const) {
    const [broken, message] = await said(t, security, steps, head);
    t.false(broken, what);
    t.regex(message, new RegExp(what));
  }
});
