import { parse } from "yaml";
import { publisher } from "../../tools/images/signature.ts";
import type { Repository } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

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

export const workflows: Record<string, Rule> = {
  "actions are pinned by commit, and say which version that is": (repository) =>
    each(workflowsOf(repository), ({ file, text }) =>
      text
        .split("\n")
        .filter((line) => /^\s*(- )?uses:/.test(line))
        .filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
        .map((line) => `${file}: ${line.trim()}: no commit, or not what version it is`),
    ),

  "workflows may read, and a job that writes is known": async (repository) => [
    ...(await each(workflowsOf(repository), ({ file, permissions }) =>
      check(
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

  "no step but the checkout has the token, and no fork runs with the rights of main": async (
    repository,
  ) => [
    ...(await each(jobs(repository), ({ what, steps }) =>
      check(
        steps
          .filter(({ uses }) => uses?.startsWith("actions/checkout@"))
          .every((step) => step.with?.["persist-credentials"] === false),
        `${what}: the checkout leaves its token to the steps after it`,
      ),
    )),
    ...(await each(workflowsOf(repository), ({ file, on }) => [
      ...check(!("pull_request_target" in on), `${file}: pull_request_target`),
      ...check(!("workflow_run" in on) || trusted.includes(file), `${file}: workflow_run`),
    ])),
  ],

  "jobs end in time, on a machine that stays the same": (repository) =>
    each(jobs(repository), ({ what, ...job }) => [
      ...check(job["timeout-minutes"], `${what} may run for hours`),
      ...machines(job)
        .filter((machine) => !/^ubuntu-\d\d\.\d\d(-arm)?$/.test(machine))
        .map((machine) => `${what} runs on ${machine}`),
    ]),

  "images are published from main alone, each to the end, and bumped by who may": (repository) => {
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

  "CI runs the same words as people: all that .ci/run does, and nothing but targets of make": (
    repository,
  ) => {
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
};
