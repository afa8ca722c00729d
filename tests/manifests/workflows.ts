import { parse } from "yaml";
import { publisher } from "../../tools/images/signature.ts";
import type { Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const workflow = ".github/workflows/test.yaml";

interface Step {
  uses?: string;
  run?: string;
  with?: { "persist-credentials"?: boolean };
}

interface Job {
  if?: string;
  needs?: string | string[];
  environment?: string;
  strategy?: { "fail-fast"?: boolean; matrix: { runner?: string[] } };
  permissions?: Record<string, string>;
  "runs-on": string;
  "timeout-minutes"?: number;
  steps: Step[];
}

interface Workflow {
  file: string;
  text: string;
  on: Record<string, unknown>;
  concurrency: { "cancel-in-progress": boolean };
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const workflowsOf = (repository: Repository): Workflow[] =>
  repository.allFiles
    .filter((file) => file.startsWith(".github/workflows/"))
    .map((file) => ({ file, text: repository.read(file), ...parse(repository.read(file)) }));

const jobs = (repository: Repository) =>
  workflowsOf(repository).flatMap(({ file, jobs }) =>
    Object.entries(jobs).map(([name, job]) => ({ what: `${file}: ${name}`, ...job })),
  );

/** What a job runs on, one or each of a matrix. */
const machines = ({ "runs-on": machine, strategy }: Job): string[] =>
  /^\$\{\{ matrix\.runner \}\}$/.test(machine) ? (strategy?.matrix.runner ?? []) : [machine];

/** The jobs that may write, and what. */
const writes: Record<string, string[]> = {
  ".github/workflows/preview.yaml: comment": ["pull-requests"],
  [`${publisher}: build`]: ["packages", "id-token"],
  [`${publisher}: publish`]: ["packages", "id-token", "attestations"],
};

/** The workflows that run for others with the rights of the default branch. */
const trusted = [".github/workflows/preview.yaml"];

const test = ".github/workflows/test.yaml";

export const workflows: Rule[] = [
  {
    title: "Actions are pinned by commit, with their version in a comment",
    check: (repository) =>
      each(workflowsOf(repository), ({ file, text }) =>
        text
          .split("\n")
          .filter((line) => /^\s*(- )?uses:/.test(line))
          .filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
          .map((line) => `${file}: ${line.trim()}: no commit, or not what version it is`),
      ),
    mutations: [
      {
        what: "an action by its tag",
        file: ".github/workflows/preview.yaml",
        from: "actions/upload-artifact@",
        to: "actions/upload-artifact@v6 # ",
        says: /actions\/upload-artifact@v6 .*: no commit/,
      },
    ],
  },
  {
    title: "Workflows may only read, but for the jobs listed here",
    check: async (repository) => [
      ...(await each(workflowsOf(repository), ({ file, permissions }) =>
        unless(
          ["{}", '{"contents":"read"}'].includes(JSON.stringify(permissions)),
          `${file}: permissions for all jobs: ${JSON.stringify(permissions)}`,
        ),
      )),
      ...(await each(jobs(repository), ({ what, permissions = {} }) =>
        same(
          `${what} writes`,
          Object.keys(permissions).filter((name) => permissions[name] !== "read"),
          writes[what] ?? [],
        ),
      )),
    ],
    mutations: [
      {
        what: "a workflow in which every job may write",
        file: workflow,
        from: "  contents: read",
        to: "  contents: write",
        says: /permissions for all jobs: .*write/,
      },
      {
        what: "a job that may write while it reads a pull request",
        file: ".github/workflows/preview.yaml",
        from: "    timeout-minutes: 10\n    permissions:\n      contents: read",
        to: "    timeout-minutes: 10\n    permissions:\n      contents: write",
        says: /preview.yaml: render writes: \["contents"\]/,
      },
    ],
  },
  {
    title: "Only the checkout has the token, and no fork runs with the rights of main",
    check: async (repository) => [
      ...(await each(jobs(repository), ({ what, steps }) =>
        unless(
          steps
            .filter(({ uses }) => uses?.startsWith("actions/checkout@"))
            .every((step) => step.with?.["persist-credentials"] === false),
          `${what}: the checkout leaves its token to the steps after it`,
        ),
      )),
      ...(await each(workflowsOf(repository), ({ file, on }) => [
        ...unless(!("pull_request_target" in on), `${file}: pull_request_target`),
        ...unless(!("workflow_run" in on) || trusted.includes(file), `${file}: workflow_run`),
      ])),
    ],
    mutations: [
      {
        what: "a checkout that leaves its token behind",
        file: ".github/workflows/preview.yaml",
        from: "          fetch-depth: 0\n          persist-credentials: false\n",
        to: "          fetch-depth: 0\n",
        says: /preview.yaml: render: the checkout leaves its token/,
      },
      {
        what: "forks that run with the rights of main",
        file: workflow,
        from: "  pull_request:\n",
        to: "  pull_request_target:\n",
        says: /test.yaml: pull_request_target/,
      },
    ],
  },
  {
    title: "Every job has a timeout and a runner of a fixed version",
    check: (repository) =>
      each(jobs(repository), ({ what, ...job }) => [
        ...unless(job["timeout-minutes"], `${what} may run for hours`),
        ...machines(job)
          .filter((machine) => !/^ubuntu-\d\d\.\d\d(-arm)?$/.test(machine))
          .map((machine) => `${what} runs on ${machine}`),
      ]),
    mutations: [
      {
        what: "a job without a timeout",
        file: workflow,
        from: "    timeout-minutes: 60\n",
        to: "",
        says: /cluster may run for hours/,
      },
      {
        what: "the newest runner",
        file: workflow,
        from: "  test:\n    runs-on: ubuntu-",
        to: "  test:\n    runs-on: ubuntu-latest # ",
        says: /test runs on ubuntu-latest/,
      },
      {
        what: "the newest runner in a matrix",
        file: publisher,
        from: "-arm\n",
        to: "-latest\n",
        says: /build runs on ubuntu-.*-latest/,
      },
    ],
  },
  {
    title: "Images are published from main alone, each to the end, and bumped by the App alone",
    check: (repository) => {
      const [workflow] = workflowsOf(repository).filter(({ file }) => file === publisher);
      if (!workflow) return [`there is no ${publisher}, whose signature counts`];
      const { on, concurrency, jobs } = workflow;
      const { test, build, publish, bump } = jobs;
      const paths = ["*-service/**", "packages/**", "package-lock.json"];
      return [
        ...same("it starts", on, { push: { branches: ["main"], paths }, workflow_dispatch: null }),
        ...same("by hand", test?.if, "github.ref == 'refs/heads/main'"),
        ...same("in this order", [build?.needs, publish?.needs, bump?.needs].flat(), [
          ...["test", "test", "build", "test", "publish"],
        ]),
        ...same("a newer run ends it", concurrency["cancel-in-progress"], false),
        ...[build, publish, bump].flatMap((job) =>
          same("another service ends it", job?.strategy?.["fail-fast"], false),
        ),
        ...same("who has the App's key", bump?.environment, "bump"),
      ];
    },
    mutations: [
      {
        what: "images of pull requests",
        file: publisher,
        from: "name: publish\non:\n",
        to: "name: publish\non:\n  pull_request:\n",
        says: /it starts: .*pull_request/,
      },
      {
        what: "images of a branch, started by hand",
        file: publisher,
        from: "    if: github.ref == 'refs/heads/main'\n",
        to: "",
        says: /by hand: /,
      },
      {
        what: "a bump before the signature",
        file: publisher,
        from: "needs: [test, publish]",
        to: "needs: test",
        says: /in this order: /,
      },
      {
        what: "a merge that cancels the run before it",
        file: publisher,
        from: "cancel-in-progress: false",
        to: "cancel-in-progress: true",
        says: /a newer run ends it: true/,
      },
      {
        what: "a service whose failure cancels another one",
        file: publisher,
        from: "    needs: test\n    strategy:\n      fail-fast: false\n",
        to: "    needs: test\n    strategy:\n",
        says: /another service ends it: undefined/,
      },
      {
        what: "the App's key on every branch",
        file: publisher,
        from: "    environment: bump\n",
        to: "",
        says: /who has the App's key: undefined/,
      },
    ],
  },
  {
    title: "CI runs all targets of .ci/run, and only targets of make",
    check: (repository) => {
      const steps = workflowsOf(repository)
        .filter(({ file }) => file === test)
        .flatMap(({ jobs }) => Object.values(jobs).flatMap(({ steps }) => steps));
      const runs = steps.flatMap(({ run }) => run ?? []);
      const everything = [...repository.read(".ci/run").matchAll(/^step (make \S+)$/gm)];
      const targets = [...repository.read("Makefile").matchAll(/^([a-z0-9-]+):/gm)];
      const words = targets.map(([, target]) => `make ${target}`);
      return [
        ...everything
          .filter(([, words = ""]) => !runs.includes(words))
          .map(([, words]) => `${test} does not ${words}`),
        ...runs.filter((run) => !words.includes(run)).map((run) => `${test}: no target is ${run}`),
      ];
    },
    mutations: [
      {
        what: "tests that CI does not run",
        file: workflow,
        from: "      - run: make test\n",
        to: "",
        says: /test.yaml does not make test/,
      },
      {
        what: "a target that does not exist",
        file: workflow,
        from: "make pay",
        to: "make payment",
        says: /no target is make payment/,
      },
    ],
  },
];
