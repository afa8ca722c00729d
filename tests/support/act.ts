// GitHub Actions on this machine: nektos/act runs a workflow, with stand-ins for the actions it uses.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { findTool } from "../../tools/cli/pinned-tools.ts";
import { here } from "./repository.ts";

const act = await findTool("act");
/** Where act cannot be had the tests are left out, and the run says so; at GitHub they fail. */
export const tried = act || process.env.GITHUB_ACTIONS ? test.serial : test.serial.skip;

const root = mkdtempSync(join(tmpdir(), "pe-gitops-act-"));
const folder = (name: string) => {
  const path = join(root, name);
  mkdirSync(path);
  return path;
};

/** The repository at GitHub, and a clone whose checked-out commit workflows run at. */
export const origin = folder("origin");
export const work = join(root, "work");
/** Programs that are first on the runner's PATH. */
export const bin = folder("bin");
const home = folder("home");
test.after.always(() => rmSync(root, { recursive: true }));

const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
export const git = (...args: string[]) => run("git", ["-C", work, ...author, ...args]);

/** Commits the clone as it is. @returns the commit */
export async function commit(message: string): Promise<string> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", message);
  return git("rev-parse", "HEAD");
}

/** Puts this repository, as it is in the working copy, at GitHub: its main has one commit. */
export async function startRepository(): Promise<void> {
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  await run("mv", [here.copy(), work]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", origin);
  await commit("first");
  await git("push", "--quiet", "origin", "HEAD:main");
}

/** Puts a shell script there. */
export function script(name: string, lines: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(bin, name), 0o755);
}

const composite = (steps: string) => `runs:\n  using: composite\n  steps:\n${steps}`;

/** An action that runs one line of shell. */
export const shellAction = (line: string) => composite(`    - { run: ${line}, shell: bash }\n`);

interface Options {
  /** What each action is here, as the text of its action.yml; one that is not named does nothing. */
  actions?: Record<string, string>;
  /** The event that starts the workflow, as GitHub's webhooks describe it. */
  payload?: object;
  /** More options of act: variables, secrets. */
  args?: string[];
}

/** @returns options that have act take a stand-in for each action that a workflow uses */
function standIns(workflow: string, actions: Record<string, string>): string[] {
  const { jobs } = parse(here.read(workflow));
  const steps = Object.values<{ steps: { uses?: string }[] }>(jobs).flatMap(({ steps }) => steps);
  const used = new Set(steps.flatMap(({ uses }) => uses ?? []));
  return [...used].flatMap((action) => {
    const name = action.replace(/@.*/, "");
    // act brings its own checkout.
    if (name === "actions/checkout") return [];
    const path = join(root, "actions", name);
    mkdirSync(path, { recursive: true });
    const text = actions[name] ?? shellAction('"true"');
    writeFileSync(join(path, "action.yml"), `name: x\ndescription: x\n${text}`);
    return ["--local-repository", `${action}=${path}`];
  });
}

/** Runs a workflow at the commit that is checked out. @returns whether it succeeded, and all that it printed */
export async function runWorkflow(
  name: string,
  event: string,
  { actions = {}, payload = {}, args = [] }: Options = {},
): Promise<[boolean, string]> {
  const workflow = `.github/workflows/${name}.yaml`;
  const eventFile = join(root, "event.json");
  writeFileSync(eventFile, JSON.stringify(payload));
  const machines = ["ubuntu-24.04", "ubuntu-24.04-arm"];
  const all = [
    ...[event, "--workflows", workflow, "--eventpath", eventFile, "--no-cache-server"],
    ...["--defaultbranch", "main", "--secret", "GITHUB_TOKEN=a-token"],
    ...machines.flatMap((machine) => ["-P", `${machine}=-self-hosted`]),
    ...standIns(workflow, actions),
    ...args,
  ];
  const { GITHUB_ACTIONS: _, GITHUB_OUTPUT: __, ...rest } = process.env;
  const PATH = `${bin}:${process.env.PATH}`;
  const env = { ...rest, PATH, HOME: home, XDG_CACHE_HOME: join(home, "cache") };
  return run(act?.command ?? "", all, { cwd: work, env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}
