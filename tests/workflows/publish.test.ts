// publish.yaml itself, run by nektos/act, with stand-ins for the actions, the registry and the services' tests.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { findTool } from "../../tools/cli/pinned-tools.ts";
import { imageIn, overlayFile } from "../../tools/images/images.ts";
import { notes, standIn } from "../support/fake-registry.ts";
import { here } from "../support/repository.ts";

const act = await findTool("act");
/** Where act cannot be had the tests are left out, and the run says so; at GitHub they fail. */
const tried = act || process.env.GITHUB_ACTIONS ? test.serial : test.serial.skip;

const root = mkdtempSync(join(tmpdir(), "pe-gitops-act-"));
const [work, origin, bin, registry, home] = ["work", "origin", "bin", "registry", "home"].map(
  (name) => join(root, name),
) as [string, string, string, string, string];
test.after.always(() => rmSync(root, { recursive: true }));

const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
const git = (...args: string[]) => run("git", ["-C", work, ...author, ...args]);

function script(name: string, lines: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** What an action does here, by its name: nothing, unless something reads of it. */
const actions: Record<string, string> = {
  "actions/attest": `inputs:
  subject-digest: { required: true }
runs:
  using: composite
  steps:
    - run: echo "provenance $DIGEST" >> "$FAKE_REGISTRY/log"
      shell: bash
      env:
        DIGEST: \${{ inputs.subject-digest }}
`,
  "actions/create-github-app-token": `outputs:
  token: { value: a-token }
  app-slug: { value: bumps }
runs:
  using: composite
  steps: [{ run: "true", shell: bash }]
`,
};
const nothing = 'runs:\n  using: composite\n  steps: [{ run: "true", shell: bash }]\n';

/** @returns options that have act take a stand-in for each action that is used */
function standIns(workflow: string): string[] {
  const { jobs } = parse(here.read(workflow));
  const steps = Object.values<{ steps: { uses?: string }[] }>(jobs).flatMap(({ steps }) => steps);
  const used = new Set(steps.flatMap(({ uses }) => uses ?? []));
  return [...used].flatMap((action) => {
    const name = action.replace(/@.*/, "");
    // act brings its own checkout.
    if (name === "actions/checkout") return [];
    const folder = join(root, "actions", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "action.yml"),
      `name: x\ndescription: x\n${actions[name] ?? nothing}`,
    );
    return ["--local-repository", `${action}=${folder}`];
  });
}

/** Runs the workflow as of the commit that is checked out. @returns whether it succeeded, and all that it printed */
async function publish(): Promise<[boolean, string]> {
  // Of the run before: what it noted, and which folder was which machine.
  for (const name of ["log", "amd64"])
    rmSync(join(registry, name), { recursive: true, force: true });
  const machines = ["ubuntu-24.04", "ubuntu-24.04-arm"].flatMap((name) => [
    "-P",
    `${name}=-self-hosted`,
  ]);
  const args = [
    ...["workflow_dispatch", "--workflows", ".github/workflows/publish.yaml", ...machines],
    ...["--env", `FAKE_REGISTRY=${registry}`, "--secret", "GITHUB_TOKEN=a-token"],
    ...["--secret", "BUMP_APP_PRIVATE_KEY=a-key", "--var", "BUMP_APP_CLIENT_ID=an-id"],
    ...[
      "--no-cache-server",
      "--defaultbranch",
      "main",
      ...standIns(".github/workflows/publish.yaml"),
    ],
  ];
  const { GITHUB_ACTIONS: _, GITHUB_OUTPUT: __, ...rest } = process.env;
  const env = {
    ...rest,
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
  };
  return run(act?.command ?? "", args, { cwd: work, env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** The image that testing's overlay names, on main. */
const deployed = async (service: string) =>
  imageIn(
    `${await run("git", ["-C", origin, "show", `main:${overlayFile(service, "testing")}`])}\n`,
  );
const tip = () => run("git", ["-C", origin, "rev-parse", "main"]);

/** Changes a service's source on main. */
async function change(service: string, text: string): Promise<void> {
  await git("pull", "--quiet", "--rebase", "origin", "main");
  writeFileSync(join(work, `${service}-service/changed`), text);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", text);
  await git("push", "--quiet", "origin", "HEAD:main");
}

test.before(async () => {
  for (const folder of [bin, registry, home]) mkdirSync(folder);
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  const copy = here.copy();
  await run("mv", [copy, work]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("remote", "add", "origin", origin);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "first");
  await git("push", "--quiet", "origin", "HEAD:main");

  script("docker", standIn("docker"));
  script("cosign", standIn("cosign"));
  const make = (await run("sh", ["-c", "command -v make"])).trim();
  // In place of make test: tests of a service, which say that there are other services.
  const lies = `for file in "$GITHUB_OUTPUT" "$GITHUB_ENV"; do echo 'services=["somebody-elses"]' >> "$file"; done`;
  script("make", `[ "$1" = test ] || exec "${make}" "$@"\n${lies}`);
});

/** What was done in the last run, by its first word. */
const done = (word: string) => notes(registry).filter((note) => note.startsWith(`${word} `));

tried(
  "the services of Git are built, whatever a service's test says, and each goes its own way",
  async (t) => {
    t.timeout(300_000);
    const before = await deployed("payment");
    writeFileSync(join(registry, "broken-payment"), "");
    const [succeeded, printed] = await publish();
    rmSync(join(registry, "broken-payment"));
    t.false(succeeded, "payment cannot be built");
    const built = [...new Set(done("build"))].toSorted();
    t.deepEqual(built, ["build antaeus", "build payment"], printed);
    t.notRegex(notes(registry).join("\n"), /somebody-elses/);

    // The signature is last: what is signed has its provenance, and the bill of each architecture.
    const { digest } = await deployed("antaeus");
    const words = notes(registry).filter((note) => note.endsWith(`${digest}`));
    const order = words.map((note) => note.split(" ")[0]);
    t.deepEqual(order, ["bill", "bill", "provenance", "sign"], printed);
    t.deepEqual(await deployed("payment"), before);
  },
);

tried("what another pushed under the tag is not signed, and not bumped", async (t) => {
  t.timeout(300_000);
  const before = await deployed("payment");
  mkdirSync(join(registry, "pushed-by-another"));
  writeFileSync(join(registry, "pushed-by-another/everything"), `sha256:${"0".repeat(64)}`);
  const [succeeded, printed] = await publish();
  rmSync(join(registry, "pushed-by-another"), { recursive: true });
  t.false(succeeded);
  t.regex(printed, /is not what was pushed: the registry has sha256:0+, not sha256:/);
  t.is(done("sign").length, 2, "payment's parts");
  t.deepEqual(done("provenance"), []);
  t.deepEqual(await deployed("payment"), before);
});

tried(
  "a run of an old commit moves nothing back, and attests nothing that was there",
  async (t) => {
    t.timeout(300_000);
    const older = await git("rev-parse", "HEAD");
    await change("payment", "newer");
    const [succeeded, printed] = await publish();
    t.true(succeeded, printed);
    const { digest } = await deployed("payment");
    t.deepEqual(done("provenance"), [`provenance ${digest}`]);
    const newest = await tip();

    await git("reset", "--quiet", "--hard", older);
    const [again, said] = await publish();
    t.true(again, said);
    t.regex(said, /Nothing to do for payment: .* is deployed, which is newer/);
    t.regex(said, /Nothing to do for antaeus: .* is deployed already/);
    t.is(await tip(), newest);
    // What the first run left unsigned is made whole; antaeus has its own.
    t.is(done("provenance").length, 1);
  },
);

tried("a name that is no word ends the run before anything is built", async (t) => {
  t.timeout(300_000);
  const strange = join(work, "apps/not $a word");
  mkdirSync(strange);
  writeFileSync(join(strange, "kustomization.yaml"), "");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "a strange name");
  const [succeeded, printed] = await publish();
  t.false(succeeded);
  t.regex(printed, /apps\/ has "not \$a word", which cannot be a service/);
  t.deepEqual(notes(registry), []);
});
