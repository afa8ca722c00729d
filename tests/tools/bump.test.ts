import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { type Build, bump, commitOnTop } from "../../tools/delivery/bump-commit.ts";
import type { Outcome } from "../../tools/delivery/push.ts";
import { imageIn, overlayFile, sourceFolder, tagOf, withImage } from "../../tools/images/images.ts";
import { temporary } from "../support/temporary.ts";
import { WorkingCopy } from "../support/working-copy.ts";

const services = ["antaeus", "payment"];
const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
process.env.GIT_AUTHOR_NAME = process.env.GIT_COMMITTER_NAME = "bump[bot]";
process.env.GIT_AUTHOR_EMAIL = process.env.GIT_COMMITTER_EMAIL = "bump@localhost";

/** A digest that says which build it is of. */
const digest = (number: number) => `sha256:${number.toString(16).padStart(64, "0")}`;

/** A working copy with both services and their overlays. */
class Repository extends WorkingCopy {
  static async make(): Promise<Repository> {
    const repository = await new Repository().init();
    for (const service of services) {
      const file = overlayFile(service, "testing");
      repository.write(file, readFileSync(file, "utf8"));
      repository.write(`${sourceFolder(service)}/version`, "0");
    }
    await repository.commit("first");
    return repository;
  }

  /** Changes a service's source, and builds it, in as far as a bump needs it. */
  async build(service: string, version: number): Promise<Build> {
    await this.pull();
    const source = { [`${sourceFolder(service)}/version`]: String(version) };
    const commit = await this.commit(`${service} ${version}`, source);
    return { service, commit, digest: digest(version) };
  }

  /** Why a bump was left out; empty when it was not. */
  async skipped(build: Build): Promise<string> {
    const outcome = await this.bumped(build);
    return "skipped" in outcome ? outcome.skipped : "";
  }

  /** A bump as a workflow does it: in a fresh clone. */
  async bumped(build: Build): Promise<Outcome> {
    const clone = temporary();
    await run("git", ["clone", "--quiet", "--no-checkout", this.origin, clone]);
    return bump(clone, build);
  }

  async pull(): Promise<void> {
    await this.git("pull", "--quiet", "--rebase", "origin", "main");
  }

  /** A file as main has it. */
  async file(name: string): Promise<string> {
    return run("git", ["-C", this.origin, "show", `main:${name}`]);
  }

  async image(service: string) {
    return imageIn(`${await this.file(overlayFile(service, "testing"))}\n`);
  }
}

test("on a laptop a bump begins with the subject of the commit under it, which Argo CD's history shows", async (t) => {
  const repository = await Repository.make();
  const build = await repository.build("payment", 1);
  const how = { environment: "testing", subject: "payment: more charges" };
  const bump = await commitOnTop(repository.folder, build, "HEAD", how);
  const said = await repository.git("show", "--no-patch", "--format=%B", bump);
  t.regex(said, /^payment: more charges \(payment: \d{8}-[0-9a-f]{12} to testing\)\n/);
  t.regex(said, new RegExp(`^Source-Commit: ${build.commit}$`, "m"));
});

test("a bump changes the tag and the digest, and nothing else", async (t) => {
  const repository = await Repository.make();
  const build = await repository.build("payment", 1);
  const outcome = await repository.bumped(build);
  t.true("commit" in outcome);

  await repository.pull();
  const diff = await repository.git("show", "--unified=0", "--format=", "HEAD");
  t.deepEqual(
    diff.match(/^[+-] .*$/gm)?.map((line) => line.replace(/(?<=: ).*/, "")),
    ["-    newTag: ", "-    digest: ", "+    newTag: ", "+    digest: "],
  );
  t.is(await repository.git("diff", "--name-only", "HEAD~1"), overlayFile("payment", "testing"));
  const tag = await tagOf(build.commit, repository.folder);
  t.regex(tag, /^\d{8}-[0-9a-f]{12}$/);
  t.like(await repository.image("payment"), { newTag: tag, digest: build.digest });
  t.is(await repository.git("show", "--no-patch", "--format=%an", "HEAD"), "bump[bot]");
  const trailer = "--format=%(trailers:key=Source-Commit,valueonly)";
  t.is(await repository.git("show", "--no-patch", trailer, "HEAD"), build.commit);
});

test("everything around the image stays as a person wrote it", (t) => {
  const overlay = `# Ours.
images:
  - name: registry/x
    newTag: 1.0.0
resources: [ ../../base ] # here
`;
  const image = { newTag: "20261122-1a2b3c4d5e6f", digest: digest(1) };
  const lines = `${image.newTag}\n    digest: ${image.digest}`;
  t.is(withImage(overlay, image), overlay.replace("1.0.0", lines));
  const next = { ...image, digest: digest(2) };
  t.is(withImage(withImage(overlay, image), next), withImage(overlay, next));
  for (const text of [
    "",
    overlay.replace("newTag", "newName"),
    `${overlay}`.replace("\nres", "\n  - name: y\nres"),
  ]) {
    t.throws(() => imageIn(text), { message: /must have one image/ });
  }
});

test("an older build that finishes later is left out", async (t) => {
  const repository = await Repository.make();
  const older = await repository.build("payment", 1);
  const newer = await repository.build("payment", 2);
  t.true("commit" in (await repository.bumped(newer)));
  t.regex(await repository.skipped(older), /which is newer/);
  t.is((await repository.image("payment")).digest, newer.digest);
  t.regex(await repository.skipped(newer), /deployed already/);
});

test("a bump that was reverted stays reverted, and the next build moves forward", async (t) => {
  const repository = await Repository.make();
  const good = await repository.build("payment", 1);
  await repository.bumped(good);
  const build = await repository.build("payment", 2);
  t.true("commit" in (await repository.bumped(build)));

  await repository.pull();
  await repository.revert("HEAD");
  t.is((await repository.image("payment")).digest, good.digest);

  t.regex(await repository.skipped(build), /taken back/);
  t.is((await repository.image("payment")).digest, good.digest, "a re-run of the old build");
  const next = await repository.build("payment", 3);
  t.true("commit" in (await repository.bumped(next)));
  t.is((await repository.image("payment")).digest, next.digest);
});

test("what was built elsewhere of the same commit gives way, once", async (t) => {
  const repository = await Repository.make();
  const build = await repository.build("payment", 1);
  await repository.bumped({ ...build, digest: digest(7) });
  t.true("commit" in (await repository.bumped(build)));
  t.is((await repository.image("payment")).digest, build.digest);
  t.regex(await repository.skipped(build), /deployed already/);
});

test("an overlay that ends with its image is bumped as well", async (t) => {
  const repository = await Repository.make();
  repository.write(overlayFile("payment", "testing"), "images:\n  - name: x\n    newTag: 0.0.0\n");
  await repository.commit("a new service");
  for (const version of [1, 2]) {
    const build = await repository.build("payment", version);
    t.true("commit" in (await repository.bumped(build)));
    t.regex(await repository.skipped(build), /deployed already/);
    t.is((await repository.image("payment")).digest, build.digest);
  }
});

test("what is not merged is not deployed", async (t) => {
  const repository = await Repository.make();
  repository.write("payment-service/version", "mine");
  await repository.git("commit", "--quiet", "--all", "--message", "not merged");
  const commit = await repository.git("rev-parse", "HEAD");
  await repository.git("push", "--quiet", "origin", "HEAD:elsewhere");
  const error = await t.throwsAsync(
    repository.bumped({ service: "payment", commit, digest: digest(1) }),
  );
  t.regex(error?.message ?? "", /only what is merged/);
});

/** Writes a program of shell. */
const program = (file: string, lines: string) =>
  writeFileSync(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });

test("a branch that refuses the push is an error that says so, at once", async (t) => {
  const repository = await Repository.make();
  const build = await repository.build("payment", 1);
  program(join(repository.origin, "hooks/update"), "echo protected branch >&2; exit 1");
  const begin = performance.now();
  const error = await t.throwsAsync(repository.bumped(build));
  t.regex(error?.message ?? "", /cannot be pushed to main.*protected branch/s);
  t.true(performance.now() - begin < 30_000);
  rmSync(repository.origin, { recursive: true });
  const gone = await t.throwsAsync(bump(repository.folder, build));
  t.regex(gone?.message ?? "", /cannot be pushed to main.*not appear to be a git repository/s);
});

test("a fault of the Git host that passes is borne, at a fetch and at a push", async (t) => {
  const repository = await Repository.make();
  const build = await repository.build("payment", 1);
  // Each fails when it is first run.
  const hook = join(repository.origin, "hooks/update");
  program(hook, "rm hooks/update; echo a fault of the host >&2; exit 1");
  const upload = join(temporary(), "upload-pack");
  const mark = `${upload}.asked`;
  program(upload, `mkdir ${mark} 2>/dev/null || exec git-upload-pack "$@"; exit 1`);
  await repository.git("config", "remote.origin.uploadpack", upload);
  t.true("commit" in (await bump(repository.folder, build)));
  t.deepEqual([existsSync(hook), existsSync(mark)], [false, true]);
  t.is((await repository.image("payment")).digest, build.digest);
});

/** Builds of both in the order of their commits; the last of each is the newest. */
async function manyBuilds(repository: Repository, count: number): Promise<Build[]> {
  const builds: Build[] = [];
  for (let version = 1; version <= count; version++) {
    builds.push(await repository.build(services[version % 2] as string, version));
  }
  return builds;
}

test("fifty bumps at once, and a person's commit between them: none is lost", async (t) => {
  t.timeout(300_000);
  const repository = await Repository.make();
  const builds = await manyBuilds(repository, 50);
  const bumps = builds.map(async (build) => ({
    build,
    outcome: await repository.bumped(build),
  }));
  // A person changes the very files that the bumps change.
  const person = async () => {
    for (;;) {
      await repository.pull();
      const file = overlayFile("payment", "testing");
      const text = readFileSync(join(repository.folder, file), "utf8");
      repository.write(file, text.replace("components:", "# A person's.\ncomponents:"));
      const pushed = await repository.commit("a person's change").catch(() => undefined);
      if (pushed) return pushed;
      await repository.git("reset", "--quiet", "--hard", "HEAD~1");
    }
  };
  const [outcomes] = await Promise.all([Promise.all(bumps), person()]);

  for (const service of services) {
    const newest = builds.findLast((build) => build.service === service);
    t.is((await repository.image(service)).digest, newest?.digest, `${service} ends at its newest`);
  }
  t.regex(await repository.file(overlayFile("payment", "testing")), /# A person's\./);

  const bumped = outcomes.flatMap(({ outcome }) => ("commit" in outcome ? [outcome.commit] : []));
  const skipped = outcomes.filter(({ outcome }) => "skipped" in outcome);
  t.true(skipped.every(({ outcome }) => /which is newer/.test(Object.values(outcome)[0] ?? "")));
  const main = (await run("git", ["-C", repository.origin, "rev-list", "main"])).split("\n");
  t.true(
    bumped.every((commit) => main.includes(commit)),
    "every bump that says it is there is",
  );
  // Along main, no service ever goes back.
  for (const service of services) {
    const log = ["log", "--reverse", "--format=", "--patch", "main", "--"];
    const patches = await run("git", [
      ...["-C", repository.origin, ...log],
      overlayFile(service, "testing"),
    ]);
    const versions = [...patches.matchAll(/^\+ +digest: sha256:0*([0-9a-f]+)$/gm)].map(([, hex]) =>
      Number.parseInt(hex as string, 16),
    );
    const since = versions.filter((version) => version <= builds.length);
    t.deepEqual(
      since,
      since.toSorted((a, b) => a - b),
    );
  }
  t.log(`${bumped.length} commits, ${skipped.length} left out for a newer one`);
});

test("the control: bumps that push once and do not look lose some", async (t) => {
  t.timeout(180_000);
  const repository = await Repository.make();
  const builds = await manyBuilds(repository, 10);
  const pushed = await Promise.all(
    builds.map(async (build) => {
      const clone = temporary();
      const git = (...args: string[]) => run("git", ["-C", clone, ...author, ...args]);
      await run("git", ["clone", "--quiet", repository.origin, clone]);
      const file = join(clone, overlayFile(build.service, "testing"));
      const image = { newTag: await tagOf(build.commit, clone), digest: build.digest };
      writeFileSync(file, withImage(readFileSync(file, "utf8"), image));
      await git("commit", "--quiet", "--all", "--message", "naive");
      return git("push", "--quiet", "origin", "HEAD:main").then(
        () => true,
        () => false,
      );
    }),
  );
  t.true(
    pushed.includes(false),
    `${pushed.filter(Boolean).length} of ${pushed.length} got through`,
  );
});
