import { parse } from "yaml";
import { publisher } from "../../tools/images/signature.ts";
import type { Fields, Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const workflow = ".github/workflows/test.yaml";

interface Step {
  uses?: string;
  run?: string;
  with?: {
    "persist-credentials"?: boolean;
    version?: string;
    "cosign-release"?: string;
    "node-version-file"?: string;
  };
}

interface Job {
  name?: string;
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
  concurrency: { group: string; "cancel-in-progress": boolean };
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const workflowsOf = (repository: Repository): Workflow[] =>
  repository.allFiles
    .filter((file) => file.startsWith(".github/workflows/"))
    .map((file) => ({ file, text: repository.read(file), ...parse(repository.read(file)) }));

const jobs = (repository: Repository) =>
  workflowsOf(repository).flatMap(({ file, jobs }) =>
    Object.entries(jobs).map(([id, job]) => ({
      what: `${file}: ${id}`,
      context: job.name ?? id,
      ...job,
    })),
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

/** Whether a job could change something, or become somebody: it may write, or has a secret. */
const hasRights = ({ permissions = {}, environment, ...job }: Job): boolean =>
  Object.values(permissions).some((access) => access !== "read") ||
  environment !== undefined ||
  JSON.stringify(job).includes("secrets.");

/** What jobs with rights run, and the one job that they take the services from: no code of a service, and no npm. */
const quiet = {
  runs: [
    'docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin <<< "$GITHUB_TOKEN"',
    ...["services", "image", "publish", "sign", "bump", "revert"].map((target) => `make ${target}`),
  ],
  uses: [
    ...["actions/checkout", "actions/setup-node", "sigstore/cosign-installer"],
    ...["actions/attest", "actions/create-github-app-token"],
  ],
};

/** What a job brings or runs that is not known to be quiet; without a checkout there is no code of ours to run. */
function loud({ steps }: Job): string[] {
  const actions = steps.flatMap(({ uses }) => uses?.replace(/@.*/, "") ?? []);
  if (!actions.includes("actions/checkout")) return [];
  const runs = steps.flatMap(({ run }) => run ?? []);
  return [
    ...actions.filter((action) => !quiet.uses.includes(action)),
    ...runs.filter((run) => !quiet.runs.includes(run)),
  ];
}

/** What make does for a target: what it needs first, and what it runs. */
function recipe(repository: Repository, target: string): { needs: string; runs: string } {
  const rule = new RegExp(`^${target}: ([^#\\n]*?) *(?:#.*)?\\n((?:\\t.*\\n)*)`, "m");
  const [, needs = "", runs = ""] = rule.exec(repository.read("Makefile")) ?? [];
  return { needs, runs };
}

/** What make itself defines. */
const ofMake = ["MAKEFILE_LIST", "CURDIR", ".VARIABLES"];

/** Whatever the others do: without an image of its own, a service's job fails by itself. */
const goesOn = `\${{ !cancelled() && needs.services.result == 'success' && needs.retest.result == 'success' }}`;

const reverter = ".github/workflows/revert.yaml";

/** Not whoever may set a status; and not of a sync that failed, which is tried again. */
const argocdSays = [
  "github.event.state == 'failure' && startsWith(github.event.context, 'argocd/') &&",
  "!startsWith(github.event.description, 'sync failed') && github.event.sender.login == vars.ARGOCD_LOGIN",
].join(" ");

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
      const { services, retest, build, publish, bump } = jobs;
      const paths = ["*-service/**", "packages/**", "package-lock.json"];
      const main = "github.ref == 'refs/heads/main'";
      return [
        ...same("it starts", on, { push: { branches: ["main"], paths }, workflow_dispatch: null }),
        ...same("by hand", [services?.if, retest?.if], [main, main]),
        ...same(
          "in this order",
          [build?.needs, publish?.needs, bump?.needs],
          [
            ["services", "retest"],
            ["services", "retest", "build"],
            ["services", "retest", "publish"],
          ],
        ),
        ...same("what ends a service's way", [publish?.if, bump?.if], [goesOn, goesOn]),
        ...same("a newer run ends it", concurrency["cancel-in-progress"], false),
        ...same(
          "whose place a run takes",
          concurrency.group,
          `\${{ github.workflow }}-\${{ github.ref }}-\${{ github.run_attempt }}`,
        ),
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
        from: "  retest:\n    if: github.ref == 'refs/heads/main'\n",
        to: "  retest:\n",
        says: /by hand: /,
      },
      {
        what: "a bump before the signature",
        file: publisher,
        from: "needs: [services, retest, publish]",
        to: "needs: [services, retest]",
        says: /in this order: /,
      },
      {
        what: "images before the tests",
        file: publisher,
        from: "needs: [services, retest]",
        to: "needs: services",
        says: /in this order: /,
      },
      {
        what: "a service whose broken build stops the others' bumps",
        file: publisher,
        from: `    needs: [services, retest, publish]\n    if: \${{ !cancelled() && `,
        to: `    needs: [services, retest, publish]\n    if: \${{ success() && `,
        says: /what ends a service's way: /,
      },
      {
        what: "a bump of what failed its tests",
        file: publisher,
        from: `    needs: [services, retest, publish]\n    if: \${{ !cancelled() && needs.services.result == 'success' && needs.retest.result == 'success' }}`,
        to: `    needs: [services, retest, publish]\n    if: \${{ !cancelled() && needs.services.result == 'success' }}`,
        says: /what ends a service's way: /,
      },
      {
        what: "a run of another branch that takes the place of main's",
        file: publisher,
        from: `-\${{ github.ref }}`,
        to: "",
        says: /whose place a run takes: /,
      },
      {
        what: "a run of long ago, started again, that takes the place of a new one",
        file: publisher,
        from: `-\${{ github.run_attempt }}`,
        to: "",
        says: /whose place a run takes: /,
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
        from: "    needs: [services, retest]\n    strategy:\n      fail-fast: false\n",
        to: "    needs: [services, retest]\n    strategy:\n",
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
    title: "A deployment is reverted when Argo CD itself says that it failed, and by the App alone",
    check: (repository) => {
      const [workflow] = workflowsOf(repository).filter(({ file }) => file === reverter);
      const { if: when, environment, steps = [] } = workflow?.jobs.revert ?? {};
      const says = repository.read("argocd/install/notifications.yaml");
      return [
        ...same("it starts", workflow?.on, { status: null }),
        ...same("whose word counts", when, argocdSays),
        ...same("who has the App's key", environment, "bump"),
        ...unless(
          !JSON.stringify(steps.map(({ run }) => run)).includes("{{"),
          "a step's words are those of an event",
        ),
        ...unless(
          /"description": {{ printf "sync failed: /.test(says),
          "a failed sync has other words",
        ),
      ];
    },
    mutations: [
      {
        what: "a revert by whoever may set a status",
        file: reverter,
        from: " && github.event.sender.login == vars.ARGOCD_LOGIN",
        to: "",
        says: /whose word counts: /,
      },
      {
        what: "a revert of what was not synced yet",
        file: "argocd/install/notifications.yaml",
        from: "sync failed: %s",
        to: "failed to sync: %s",
        says: /a failed sync has other words/,
      },
      {
        what: "the App's key for every branch's run",
        file: reverter,
        from: "    environment: bump\n",
        to: "",
        says: /who has the App's key: undefined/,
      },
      {
        what: "a description that a shell reads",
        file: reverter,
        from: "run: make revert\n",
        to: `run: make revert REASON="\${{ github.event.description }}"\n`,
        says: /a step's words are those of an event/,
      },
    ],
  },
  {
    title: "Jobs with rights run no code of a service, and take no output of a job that does",
    check: (repository) =>
      each(workflowsOf(repository), ({ file, jobs }) =>
        each(
          Object.entries(jobs).filter(([, job]) => hasRights(job)),
          ([id, job]) => [
            ...loud(job).map((what) => `${file}: ${id} has rights, and runs ${what}`),
            ...[...JSON.stringify(job).matchAll(/\bneeds\.(\w+)\.outputs/g)]
              .filter(([, other = ""]) => loud(jobs[other] as Job).length > 0)
              .map(([, other]) => `${file}: ${id} has rights, and takes what ${other} says`),
            ...[
              ...JSON.stringify(job).matchAll(/\bneeds(?!\.\w+\.(outputs\.\w|result\b))[.[]/g),
            ].map(() => `${file}: ${id} has rights, and takes something of another job`),
          ],
        ),
      ),
    mutations: [
      {
        what: "the list of services from a job that runs their tests",
        file: publisher,
        from: `      services: \${{ steps.services.outputs.services }}\n    steps:\n`,
        to: `      services: \${{ steps.services.outputs.services }}\n    steps:\n      - run: make test\n`,
        says: /publish.yaml: build has rights, and takes what services says/,
      },
      {
        what: "a list of services that the tests give",
        file: publisher,
        from: "    needs: [services, retest, publish]\n",
        to: `    needs: [services, retest, publish]\n    env:\n      LIST: \${{ needs.retest.outputs.services }}\n`,
        says: /publish.yaml: bump has rights, and takes what retest says/,
      },
      {
        what: "all that other jobs say",
        file: publisher,
        from: "    needs: [services, retest, publish]\n",
        to: `    needs: [services, retest, publish]\n    env:\n      LIST: \${{ toJSON(needs['retest']) }}\n`,
        says: /publish.yaml: bump has rights, and takes something of another job/,
      },
      {
        what: "tests in the job that has the App's key",
        file: publisher,
        from: "      - run: make bump\n",
        to: "      - run: make test\n      - run: make bump\n",
        says: /publish.yaml: bump has rights, and runs make test/,
      },
      {
        what: "packages from npm in the job that signs",
        file: publisher,
        from: "        run: make publish\n",
        to: "        run: npm ci && make publish\n",
        says: /publish.yaml: publish has rights, and runs npm ci/,
      },
      {
        what: "files of another job where there is a key",
        file: publisher,
        from: "      - id: app\n",
        to: "      - uses: actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0\n      - id: app\n",
        says: /publish.yaml: bump has rights, and runs actions\/download-artifact/,
      },
      {
        what: "a job that signs pull requests beside a service's code",
        file: workflow,
        from: "  cluster:\n",
        to: "  cluster:\n    permissions:\n      id-token: write\n",
        says: /test.yaml: cluster has rights, and runs make up/,
      },
    ],
  },
  {
    title: "What jobs with rights do needs no package, and what is installed runs no script",
    check: (repository) => [
      ...quiet.runs
        .filter((run) => run.startsWith("make "))
        .flatMap((run) => same(run, recipe(repository, run.slice(5)).needs, "$(NODE)")),
      ...repository
        .read("Makefile")
        .split("\n")
        .filter(
          (line) => /^\t.*\bnpm ci\b/.test(line) && !line.includes("npm ci --ignore-scripts "),
        )
        .map((line) => `Makefile: ${line.trim()}: packages run scripts`),
    ],
    mutations: [
      {
        what: "packages from npm where images are signed",
        file: "Makefile",
        from: "sign: $(NODE) ",
        to: "sign: $(INSTALLED) ",
        says: /make sign: "\$\(INSTALLED\)"/,
      },
      {
        what: "packages whose scripts run",
        file: "Makefile",
        from: "npm ci --ignore-scripts",
        to: "npm ci",
        says: /Makefile: .*packages run scripts/,
      },
    ],
  },
  {
    title: "Every program that a workflow installs is of the version that is written down",
    check: (repository) =>
      each(jobs(repository), ({ what, steps }) =>
        each(steps, ({ uses = "", with: { ...inputs } = {} }) => [
          ...unless(
            !uses.startsWith("jdx/mise-action@") || /^\d+\.\d+\.\d+$/.test(`${inputs.version}`),
            `${what}: mise ${inputs.version ?? "of whatever version"}`,
          ),
          ...unless(
            !uses.startsWith("actions/setup-node@") ||
              inputs["node-version-file"] === ".tool-versions",
            `${what}: Node of ${inputs["node-version-file"] ?? "whatever version"}`,
          ),
          ...unless(
            !uses.startsWith("sigstore/cosign-installer@") ||
              inputs["cosign-release"] === `v${Object.fromEntries(repository.tools).cosign}`,
            `${what}: cosign ${inputs["cosign-release"] ?? "of whatever version"}`,
          ),
        ]),
      ),
    mutations: [
      {
        what: "the newest mise",
        file: publisher,
        from: "          version: 2026.8.3\n",
        to: "",
        says: /publish.yaml: retest: mise of whatever version/,
      },
      {
        what: "another cosign than the one that is tested",
        file: ".tool-versions",
        from: "cosign ",
        to: "cosign 1",
        says: /publish.yaml: build: cosign v/,
      },
      {
        what: "the machine's own Node",
        file: publisher,
        from: "          node-version-file: .tool-versions\n          package-manager-cache: false\n      - id: services\n",
        to: "          package-manager-cache: false\n      - id: services\n",
        says: /publish.yaml: services: Node of whatever version/,
      },
    ],
  },
  {
    title: "The checks that fence the teams in are a job that runs nothing of theirs",
    check: (repository) => {
      const [tests] = workflowsOf(repository).filter(({ file }) => file === test);
      const runs = tests?.jobs.manifests?.steps.flatMap(({ run }) => run ?? []) ?? [];
      return [
        ...same("it runs", runs, ["make test-manifests", "make verify-images", "make mutate"]),
        ...runs.flatMap((run) => {
          const { needs, runs } = recipe(repository, run.replace("make ", ""));
          return [
            ...unless(
              ["$(INSTALLED)", "node_modules/.package-lock.json"].includes(needs),
              `${run} needs ${needs}`,
            ),
            ...unless(
              !/\bnpm\b|SERVICES|BUNDLES|-service/.test(runs),
              `${run} runs ${runs.trim()}`,
            ),
          ];
        }),
      ];
    },
    mutations: [
      {
        what: "a service's tests before them",
        file: workflow,
        from: "      - run: make test-manifests\n",
        to: "      - run: make test\n      - run: make test-manifests\n",
        says: /it runs: \["make test",/,
      },
      {
        what: "signatures that are looked at where services ran",
        file: workflow,
        from: "      - run: make verify-images\n        if: github.event_name == 'pull_request'\n        env:\n          BASE: HEAD^1\n",
        to: "",
        says: /it runs: /,
      },
      {
        what: "services that are built before them",
        file: "Makefile",
        from: "test-manifests: $(INSTALLED) ",
        to: "test-manifests: $(INSTALLED) $(BUNDLES) ",
        says: /make test-manifests needs \$\(INSTALLED\) \$\(BUNDLES\)/,
      },
      {
        what: "services that are tested by the same word",
        file: "Makefile",
        from: "\t@ava tests/manifests/mutations.test.ts ",
        to: "\t@npm test --prefix payment-service; ava tests/manifests/mutations.test.ts ",
        says: /make mutate runs @npm test/,
      },
    ],
  },
  {
    title: "Each job has a name of its own, and a merge waits for every job of the tests",
    check: (repository) => {
      const names = Map.groupBy(jobs(repository), ({ context }) => context);
      const { rules } = JSON.parse(repository.read(".github/rulesets/merges.json"));
      const contexts = (rules as { parameters?: { required_status_checks?: Fields[] } }[])
        .flatMap(({ parameters }) => parameters?.required_status_checks ?? [])
        .map(({ context }) => context);
      const required = jobs(repository)
        .filter(({ what }) => what.startsWith(`${test}: `))
        .map(({ context }) => context);
      return [
        ...[...names]
          .filter(([, jobs]) => jobs.length > 1)
          .map(([name, jobs]) => `${jobs.map(({ what }) => what).join(" and ")} are both ${name}`),
        ...same("a merge waits for", contexts.sort(), required.sort()),
      ];
    },
    mutations: [
      {
        what: "a job that is skipped under the name of one that must succeed",
        file: publisher,
        from: "  retest:\n",
        to: "  retest:\n    name: test\n",
        says: /publish.yaml: retest and \S+test.yaml: test are both test/,
      },
      {
        what: "a fence that no merge waits for",
        file: ".github/rulesets/merges.json",
        from: '          { "context": "manifests", "integration_id": 15368 },\n',
        to: "",
        says: /a merge waits for: \["cluster","test"\]/,
      },
    ],
  },
  {
    title: "Each commit of main is tested to the end",
    check: (repository) =>
      same(
        "whose tests a commit ends",
        workflowsOf(repository).find(({ file }) => file === test)?.concurrency,
        {
          group: `\${{ github.workflow }}-\${{ github.event.pull_request.number || github.sha }}`,
          "cancel-in-progress": true,
        },
      ),
    mutations: [
      {
        what: "a bump that ends the tests of the merge before it",
        file: workflow,
        from: "github.event.pull_request.number || github.sha",
        to: "github.ref",
        says: /whose tests a commit ends: .*github.ref/,
      },
    ],
  },
  {
    title: "make reads only what the Makefile itself defines",
    check: (repository) => {
      const text = repository.read("Makefile");
      const [check] = text.split("\n").filter((line) => /^[^#]/.test(line));
      const defined = [...text.matchAll(/^(?:export )?(\w+) :?=/gm)].map(([, name]) => name);
      const loops = [...text.matchAll(/\$\(foreach (\w+),/g)].map(([, name]) => name);
      const known = [...defined, ...loops, ...ofMake];
      // $$ is a dollar sign for the shell. A function has a space behind its name.
      const read = [...text.replaceAll("$$", "").matchAll(/\$[({]([^\s(){}$:]+)[):}]/g)];
      return [
        ...unless(
          check?.startsWith("$(foreach name,$(.VARIABLES),") && check.includes("$(error "),
          `the first line is ${check}`,
        ),
        ...unless(!/\$[({](eval|call|guile) /.test(text), "it reads what it made itself"),
        ...read
          .map(([, name]) => name)
          .filter((name) => !known.includes(name))
          .map((name) => `make reads ${name}, which somebody else says`),
      ];
    },
    mutations: [
      {
        what: "the name of a service, read as make's own language",
        file: "Makefile",
        from: "@node tools/commands/image.ts\n",
        to: "@node tools/commands/image.ts $(SERVICE)\n",
        says: /make reads SERVICE, which somebody else says/,
      },
      {
        what: "a dollar sign on the command line",
        file: "Makefile",
        from: "$(error $(name) must be without a dollar sign)",
        to: "$(info $(name) has a dollar sign)",
        says: /the first line is /,
      },
      {
        what: "names of a service's files, read as make's own language",
        file: "Makefile",
        from: ".SECONDEXPANSION:\n",
        to: "$(foreach service,$(SERVICES),$(eval $(service)/dist/main.cjs: $(wildcard $(service)/*/*.ts)))\n",
        says: /it reads what it made itself/,
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
