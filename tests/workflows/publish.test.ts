// publish.yaml itself, run by nektos/act, with stand-ins for the actions, the registry and the services' tests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { imageIn, overlayFile } from "../../tools/images/images.ts";
import {
  commit,
  git,
  origin,
  runWorkflow,
  script,
  shellAction,
  startRepository,
  tried,
  work,
} from "../support/act.ts";
import { notes, standIn } from "../support/fake-registry.ts";

const registry = mkdtempSync(join(tmpdir(), "pe-gitops-registry-"));
test.after.always(() => rmSync(registry, { recursive: true }));

/** What actions do here. */
const actions = {
  "actions/attest": `inputs:
  subject-digest: { required: true }
${shellAction(`'echo "provenance \${{ inputs.subject-digest }}" >> "$FAKE_REGISTRY/log"'`)}`,
  "actions/create-github-app-token": `outputs:
  token: { value: a-token }
  app-slug: { value: bumps }
${shellAction('"true"')}`,
};

/** Runs the workflow as of the commit that is checked out. @returns whether it succeeded, and all that it printed */
function publish(): Promise<[boolean, string]> {
  // Of the run before: what it noted, and which folder was which machine.
  for (const name of ["log", "amd64"])
    rmSync(join(registry, name), { recursive: true, force: true });
  const args = [
    ...["--env", `FAKE_REGISTRY=${registry}`, "--secret", "BUMP_APP_PRIVATE_KEY=a-key"],
    ...["--var", "BUMP_APP_CLIENT_ID=an-id"],
  ];
  return runWorkflow("publish", "workflow_dispatch", { actions, args });
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
  await commit(text);
  await git("push", "--quiet", "origin", "HEAD:main");
}

test.before(async () => {
  await startRepository();
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
  await commit("a strange name");
  const [succeeded, printed] = await publish();
  t.false(succeeded);
  t.regex(printed, /apps\/ has "not \$a word", which cannot be a service/);
  t.deepEqual(notes(registry), []);
});
