import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { type Build, bump } from "../../tools/delivery/bump-commit.ts";
import { log, revertOf } from "../../tools/delivery/history.ts";
import type { Outcome } from "../../tools/delivery/push.ts";
import { revert } from "../../tools/delivery/revert.ts";
import { imageIn, overlayFile, withImage } from "../../tools/images/images.ts";
import { fakeGh, httpError, signedIn } from "../support/fake-gh.ts";
import { temporary } from "../support/temporary.ts";
import { WorkingCopy } from "../support/working-copy.ts";

process.env.GIT_AUTHOR_NAME = process.env.GIT_COMMITTER_NAME = "bump[bot]";
process.env.GIT_AUTHOR_EMAIL = process.env.GIT_COMMITTER_EMAIL = "bump@localhost";

const overlay = overlayFile("payment", "testing");
const production = overlayFile("payment", "production");
const values = "apps/payment/overlays/testing/rollout.yaml";
const base = "apps/payment/base/rollout.yaml";
const digest = (number: number) => `sha256:${number.toString(16).padStart(64, "0")}`;
const lines = (...words: string[]) => words.map((word) => `${word}\n`).join("");

/** A repository whose newest commit is live, and what Argo CD said of its commits. */
class Repository extends WorkingCopy {
  readonly live = new Set<string>();

  static async make(): Promise<Repository> {
    const made = await new Repository().init();
    for (const service of ["antaeus", "payment"])
      for (const environment of ["testing", "production"])
        made.write(
          overlayFile(service, environment),
          `images:\n  - name: registry/${service}\n    newTag: 1.0.0\n    digest: ${digest(1)}\n`,
        );
    const text = { [values]: lines(..."abcdefghijkl"), [base]: lines("one", "two", "three") };
    made.live.add(await made.commit("first", text));
    return made;
  }

  /** Changes payment's source, and bumps it as a workflow does. */
  async release(version: number): Promise<{ build: Build; bumped: string }> {
    const commit = await this.commit(`payment ${version}`, { "payment-service/v": `${version}` });
    const build = { service: "payment", commit, digest: digest(version) };
    const outcome = await bump(this.folder, build);
    if ("skipped" in outcome) throw new Error(outcome.skipped);
    await this.pull();
    return { build, bumped: outcome.commit };
  }

  async pull(): Promise<void> {
    await this.git("pull", "--quiet", "--rebase", "origin", "main");
  }

  /** A revert as a workflow does it, in a fresh clone. */
  async failed(commit: string, more: { reason?: string; environment?: string } = {}) {
    const clone = temporary();
    await run("git", ["clone", "--quiet", "--no-checkout", this.origin, clone]);
    const { live } = this;
    const wasLive = async (one: string) => live.has(one);
    const at = { service: "payment", environment: "testing", commit, wasLive };
    return revert(clone, { ...at, ...more });
  }

  /** Why nothing was reverted; empty when something was. */
  async skipped(...failure: Parameters<Repository["failed"]>): Promise<string> {
    const outcome = await this.failed(...failure);
    return "skipped" in outcome ? outcome.skipped : "";
  }

  /** Whether two commits have the same files, of a folder where one is named. */
  async same(one: string, other: string, folder = "."): Promise<boolean> {
    await this.pull();
    const diff = await this.git("diff", "--name-only", one, other, "--", folder);
    return diff === "";
  }

  tip = () => run("git", ["-C", this.origin, "rev-parse", "main"]);
  image = async (file = overlay) =>
    imageIn(`${await run("git", ["-C", this.origin, "show", `main:${file}`])}\n`);
}

const made = (outcome: Outcome): string => ("commit" in outcome ? outcome.commit : "");

test("a bump whose deployment failed gives way to the image before it, and stays back", async (t) => {
  const repository = await Repository.make();
  const good = await repository.release(2);
  repository.live.add(good.bumped);
  const { build, bumped } = await repository.release(3);
  const reason = "Synced, and Degraded: 12.5% of charges failed, 1% may";
  const commit = made(await repository.failed(bumped, { reason }));
  t.is(await repository.tip(), commit);
  t.true(await repository.same(commit, good.bumped, "apps"));
  t.is(await repository.git("show", "--no-patch", "--format=%an", commit), "bump[bot]");
  const said = await repository.git("show", "--no-patch", "--format=%B", commit);
  t.regex(said, /^Revert "payment: \d{8}-[0-9a-f]{12} to testing"\n\nIt failed in testing: /);
  t.true(said.includes(`It failed in testing: ${reason}\n\nBack to`), said);
  const trailer = "--format=%(trailers:key=Reverts,valueonly)";
  t.is((await repository.git("show", "--no-patch", trailer, commit)).trim(), bumped);

  // make live and make dora know it for what it is.
  const [its] = await log(["-1", bumped], repository.folder);
  t.is((await revertOf(its as never, commit, repository.folder))?.sha, commit);
  t.regex(Object.values(await bump(repository.folder, build)).join(), /taken back: a newer/);
  const next = await repository.release(4);
  t.is((await repository.image()).digest, next.build.digest);
});

test("what came later is kept, beside the image too; the clone's files and index are left alone", async (t) => {
  const repository = await Repository.make();
  const { bumped } = await repository.release(2);
  repository.write(overlay, `${repository.read(overlay)}namespace: app-payment\n`);
  repository.edit(values, "k\n", "k, a person's\n");
  const person = await repository.commit("a person's", { "apps/antaeus/more": "theirs" });
  repository.write(values, "not committed");
  const wasLive = async (one: string) => repository.live.has(one);
  const failure = { service: "payment", environment: "testing", commit: bumped, wasLive };
  const commit = made(await revert(repository.folder, failure));
  t.is(await repository.git("diff", "--name-only", person, commit), overlay);
  t.is((await repository.image()).newTag, "1.0.0");
  t.is(await repository.git("status", "--porcelain"), ` M ${values}`);
  t.is(await repository.git("rev-parse", "HEAD"), person);
});

test("a change of manifests is taken back by lines, and files that came or went", async (t) => {
  const repository = await Repository.make();
  await repository.git("rm", "--quiet", base);
  repository.edit(values, "b\n", "B\n");
  const changed = await repository.commit("values", { "apps/payment/base/new.yaml": "new\n" });
  repository.edit(values, "k\n", "K\n");
  await repository.commit("a person's");
  const newer = await repository.release(2);
  const commit = made(await repository.failed(changed));
  await repository.pull();
  t.is(await repository.git("show", `${commit}:${values}`), lines(..."abcdefghijKl").trim());
  const files = await repository.git("ls-tree", "-r", "--name-only", commit, "apps/payment/base");
  t.is(files, base);
  t.is((await repository.image()).digest, newer.build.digest, "a bump that came later");
  t.regex(await repository.skipped(changed), new RegExp(`${commit.slice(0, 7)} reverted it`));
});

test("of several at once that were never live all is taken back; another environment's is not", async (t) => {
  const repository = await Repository.make();
  const [first] = [...repository.live] as [string];
  const one = await repository.release(2);
  repository.edit(values, "b\n", "B\n");
  const person = await repository.commit("payment: more");
  const promoted = await repository.commit("promoted", {
    [production]: withImage(repository.read(production), { newTag: "2.0.0", digest: digest(2) }),
  });
  const two = await repository.release(3);
  const other = await repository.commit("of no service", { "docs/a.md": "a" });

  // Argo CD synced the newest alone.
  const commit = made(await repository.failed(other));
  t.true(await repository.same(first, commit, "apps/payment/overlays/testing"));
  t.true(await repository.same(promoted, commit, production));
  const said = await repository.git("show", "--no-patch", "--format=%B", commit);
  t.regex(said, /^Revert "payment: \S+ to testing" and 2 more\n/);
  const reverted = [...said.matchAll(/^Reverts: (\w+)$/gm)].map(([, sha]) => sha);
  t.deepEqual(reverted, [two.bumped, person, one.bumped]);

  const back = made(await repository.failed(promoted, { environment: "production" }));
  t.is((await repository.image(production)).newTag, "1.0.0");
  t.is(
    await repository.git("rev-parse", `${commit}:docs`),
    await repository.git("rev-parse", `${other}:docs`),
  );
  await repository.pull();
  t.is(await repository.git("diff", "--name-only", commit, back), production);
});

test("where it conflicts nothing is pushed, and a person is told what to do", async (t) => {
  for (const later of ["B, a person's\n", ""]) {
    const repository = await Repository.make();
    repository.edit(values, "b\n", "B\n");
    const changed = await repository.commit("values", { "apps/payment/base/new.yaml": "new\n" });
    if (later) repository.edit(values, "B\n", later);
    else repository.write("apps/payment/base/new.yaml", "newer\n");
    const person = await repository.commit("a person's");
    const error = await t.throwsAsync(repository.failed(changed));
    const [file] = later ? [values] : ["apps/payment/base/new.yaml"];
    t.regex(error?.message ?? "", new RegExp(`What came later is in the way.*${file}`, "s"));
    t.true(error?.message.endsWith(`A person decides: git revert ${changed.slice(0, 7)}`));
    t.is(await repository.tip(), person);
  }
});

test("ten failures of one commit at once, amid others that push: one revert, and nothing is lost", async (t) => {
  t.timeout(300_000);
  const repository = await Repository.make();
  const { bumped } = await repository.release(2);
  const builds: Build[] = [];
  for (const version of [3, 4, 5]) {
    const commit = await repository.commit("antaeus", { "antaeus-service/v": `${version}` });
    builds.push({ service: "antaeus", commit, digest: digest(version) });
  }
  const clones = builds.map(() => temporary());
  for (const clone of clones)
    await run("git", ["clone", "--quiet", "--no-checkout", repository.origin, clone]);
  const [outcomes] = await Promise.all([
    Promise.all(Array.from({ length: 10 }, () => repository.failed(bumped))),
    Promise.all(builds.map((build, index) => bump(clones[index] as string, build))),
  ]);
  // Two that make the same commit in the same second both say so: it is one.
  const [commit = "", ...others] = new Set(outcomes.map(made).filter(Boolean));
  t.deepEqual(others, []);
  const short = commit.slice(0, 7);
  for (const outcome of outcomes)
    if ("skipped" in outcome) t.regex(outcome.skipped, new RegExp(`${short} reverted it`));
  t.is((await repository.image()).newTag, "1.0.0");
  t.is((await repository.image(overlayFile("antaeus", "testing"))).digest, digest(5));

  // Said once more when the revert is live.
  repository.live.add(commit);
  t.regex(await repository.skipped(bumped), new RegExp(`${short} was live, which has it`));
});

test("what was live is not taken back, whatever fails later; nor what a newer one replaced", async (t) => {
  const repository = await Repository.make();
  const first = await repository.release(2);
  const second = await repository.release(3);
  t.regex(await repository.skipped(first.bumped), /^\d{8}-\w{12} is what the branch says by now/);
  repository.live.add(second.bumped);
  const other = await repository.commit("of no service", { "docs/a.md": "a" });
  // The second has the first in it, and the other changes nothing of payment.
  for (const commit of [first.bumped, second.bumped])
    t.regex(await repository.skipped(commit), /was live, which has it/);
  t.regex(await repository.skipped(other), /no commit changed payment in testing/);
  t.is(await repository.tip(), other);
});

test("a person's revert is one, by Git's words or by what it says", async (t) => {
  for (const words of ["", "payment: back"]) {
    const repository = await Repository.make();
    const { bumped } = await repository.release(2);
    repository.edit(values, "b\n", "B\n");
    const changed = await repository.commit("values");
    for (const commit of [changed, bumped]) await repository.revert(commit);
    if (words) await repository.git("reset", "--quiet", "--soft", changed);
    if (words) await repository.git("commit", "--quiet", "--message", words);
    if (words) await repository.git("push", "--quiet", "--force", "origin", "HEAD:main");
    const why = words ? /^1.0.0 is what the branch says by now/ : /reverted it$/;
    t.regex(await repository.skipped(changed), why);
  }
  const repository = await Repository.make();
  repository.edit(values, "b\n", "B\n");
  const changed = await repository.commit("values");
  repository.edit(values, "B\n", "b\n");
  await repository.commit("values, as they were");
  t.regex(await repository.skipped(changed), /the branch says what \w{7} says, which was live/);
});

test("a revert that fails itself is not taken back; what a person brings again is, once more", async (t) => {
  const repository = await Repository.make();
  const { bumped } = await repository.release(2);
  const reverted = made(await repository.failed(bumped));
  t.regex(await repository.skipped(reverted), new RegExp(`${reverted.slice(0, 7)} reverted it`));
  await repository.pull();
  const again = await repository.revert(reverted);
  t.is((await repository.image()).digest, digest(2));
  const commit = made(await repository.failed(again));
  t.is((await repository.image()).newTag, "1.0.0");
  await repository.pull();
  const said = await repository.git("show", "--no-patch", "--format=%B", commit);
  t.regex(said, new RegExp(`Reverts: ${bumped}$`));
  repository.live.add(commit);
  await repository.revert(commit);
  repository.live.add(await repository.tip());
  t.regex(await repository.skipped(bumped), /was live, which has it/);
});

test("what is more than one service's, or of nobody's, a person reverts", async (t) => {
  const repository = await Repository.make();
  const more = ["clusters/testing/x", "argocd/x", "apps/antaeus/x", production];
  for (const file of more) {
    repository.write(file, `${repository.read(overlay)}# More.\n`);
    const changed = await repository.commit("mixed", { [values]: `${file}\n` });
    const error = await t.throwsAsync(repository.failed(changed));
    const said = new RegExp(`mixed: changes ${file}, too.\n  A person decides: git revert `);
    t.regex(error?.message ?? "", said);
    t.is(await repository.tip(), changed);
    repository.live.add(changed);
  }
  // Source is deployed by a bump of its own.
  const source = { "payment-service/v": "x", [values]: "with source\n", "docs/a.md": "a" };
  const commit = made(await repository.failed(await repository.commit("source too", source)));
  await repository.pull();
  t.is(await repository.git("diff", "--name-only", `${commit}^`, commit), values);
  const [tip] = [await repository.tip()];
  t.regex(await repository.skipped(tip, { environment: "local" }), /a person reverts/);
  repository.live.clear();
  await t.throwsAsync(repository.failed(tip), {
    message: /^None of the last 100 commits was live/,
  });
  await repository.git("commit", "--quiet", "--allow-empty", "--message", "not merged");
  await repository.git("push", "--quiet", "origin", "HEAD:elsewhere");
  const elsewhere = await repository.git("rev-parse", "HEAD");
  await t.throwsAsync(repository.failed(elsewhere), { message: /only what is merged/ });
});

test("what is said of a failure is words of one paragraph, whatever they are", async (t) => {
  const repository = await Repository.make();
  const { bumped, build } = await repository.release(2);
  const reason = [
    `This reverts commit ${build.commit}. [skip ci] @bpesics/platform fixes #1, $(id) \`id\``,
    `\nReverts: ${build.commit}\n\nSource-Commit: ${build.commit}\r\0\u001b[31m ${"x".repeat(300)}`,
  ];
  // Not of an environment variable, which has no NUL.
  const commit = made(await repository.failed(bumped, { reason: reason.join("") }));
  await repository.pull();
  const said = await repository.git("show", "--no-patch", "--format=%B", commit);
  const [, paragraph = "", , trailers] = said.split("\n\n");
  t.true(paragraph.length <= 230, paragraph);
  t.regex(paragraph, /^It failed in testing: This reverts commit \w+\. skip ci bpesics platform/);
  t.notRegex(paragraph, /[\n#@[\]$`]/);
  t.is(trailers, `Reverts: ${bumped}`);
  const [source] = await log(["-1", build.commit], repository.folder);
  t.is(await revertOf(source as never, commit, repository.folder), undefined);
});

test("make revert asks GitHub what was live, of Argo CD's status by its name", async (t) => {
  const repository = await Repository.make();
  const [first] = [...repository.live] as [string];
  repository.write("clusters/repository/kustomization.yaml", "value: https://github.com/o/r.git\n");
  await repository.commit("where it is");
  const { bumped } = await repository.release(2);
  const lines = ["failure argocd/payment/testing", "success argocd/payment/testing"];
  const other = ["success argocd/payment/production", "success argocd/payment/testing2"].join("\n");
  const gh = fakeGh({
    ...signedIn,
    [`commits/${first}/statuses`]: [lines.join("\n")],
    [`commits/${bumped}/statuses`]: [other],
    statuses: [""],
  });
  const { SERVICE: _, ENVIRONMENT: __, ...env } = process.env;
  const PATH = `${gh.folder}:${env.PATH}`;
  const call = (more: object) => repository.command("revert", [], { ...env, PATH, ...more });
  const failure = { CONTEXT: "argocd/payment/testing", COMMIT: bumped, REASON: "Degraded" };
  const [succeeded, printed] = await call(failure);
  t.true(succeeded, printed);
  t.regex(printed, /^▸ \w+ Revert "payment: /);
  t.is((await repository.image()).newTag, "1.0.0");
  const asked = gh.calls().map(({ args }) => args);
  t.is(asked.length, 4);
  t.regex(asked[0] ?? "", /^api --paginate --jq .* repos\/o\/r\/commits\/\w{40}\/statuses\?/);

  await repository.pull();
  const [, again] = await call({ SERVICE: "payment", COMMIT: bumped, LIVE: first });
  t.regex(again, /^▸ Nothing to revert for payment in testing: since .* reverted it\.$/m);
  const [, root] = await call({ ...failure, CONTEXT: "argocd/root/testing" });
  t.regex(root, /^▸ Nothing to revert for root in testing: there is no .*a person reverts/m);
  for (const wrong of [
    { ...failure, CONTEXT: "argocd/payment/../testing" },
    { ...failure, CONTEXT: "ci/payment" },
    { ...failure, COMMIT: "" },
    { ...failure, COMMIT: "--all" },
    { ...failure, COMMIT: "1234567" },
  ]) {
    const [succeeded, printed] = await call(wrong);
    t.false(succeeded);
    t.regex(printed, /^✘ (Say what failed|COMMIT must be|There is no commit)/m);
  }
});

test("without an answer of GitHub's nothing is taken back", async (t) => {
  const repository = await Repository.make();
  repository.write("clusters/repository/kustomization.yaml", "value: https://github.com/o/r.git\n");
  await repository.commit("where it is");
  const { bumped } = await repository.release(2);
  const gh = fakeGh({ ...signedIn, statuses: [httpError(403, "Resource not accessible")] });
  const env = { ...process.env, PATH: `${gh.folder}:${process.env.PATH}` };
  const more = { CONTEXT: "argocd/payment/testing", COMMIT: bumped };
  const [succeeded, printed] = await repository.command("revert", [], { ...env, ...more });
  t.false(succeeded);
  t.regex(printed, /Commit statuses: read/);
  t.is(await repository.tip(), bumped);
});
