import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { records } from "../../tools/dora/deployments.ts";
import {
  type Deployment,
  deployments,
  figures,
  leadTime,
  recoveryTime,
} from "../../tools/dora/figures.ts";
import { page } from "../../tools/dora/page.ts";
import { overlayFile, tagOf, withImage } from "../../tools/images/images.ts";
import type { Application } from "../../tools/kubernetes/cluster.ts";
import { asHtml, asText } from "../../tools/pages/layout.ts";

const minute = 60;
const start = Date.UTC(2026, 0, 5) / 1000;
const [service, environment] = ["payment", "testing"];
const overlay = overlayFile(service, environment);

/** A repository with one service in one environment, whose clock is set by hand. */
class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  #builds = 0;

  static async make(t: ExecutionContext): Promise<Repository> {
    const made = new Repository();
    t.teardown(() => rmSync(made.folder, { recursive: true }));
    await run("git", ["init", "--quiet", "--initial-branch=main", made.folder]);
    made.#write("clusters/testing/apps/root.yaml", "");
    made.#write(
      overlay,
      "images:\n  - name: ghcr.io/bpesics/pe-gitops/payment\n    newTag: 0.0.0\n",
    );
    await made.commit(0, "the service");
    return made;
  }

  #write(file: string, text: string): void {
    mkdirSync(join(this.folder, dirname(file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  #git(args: string[], minutes = 0): Promise<string> {
    const at = `${start + minutes * minute} +0000`;
    const who = { NAME: "test", EMAIL: "test@localhost", DATE: at };
    const env = Object.fromEntries(
      Object.entries(who).flatMap(([field, value]) => [
        [`GIT_AUTHOR_${field}`, value],
        [`GIT_COMMITTER_${field}`, value],
      ]),
    );
    return run("git", ["-C", this.folder, ...args], { env: { ...process.env, ...env } });
  }

  /** @param minutes after the start @returns the commit */
  async commit(minutes: number, message: string): Promise<string> {
    await this.#git(["add", "--all"]);
    await this.#git(["commit", "--quiet", "--message", message], minutes);
    return this.#git(["rev-parse", "HEAD"]);
  }

  /** Changes the source. @returns the commit */
  source(minutes: number): Promise<string> {
    this.#builds += 1;
    this.#write("payment-service/main.ts", `// version ${this.#builds}\n`);
    return this.commit(minutes, `version ${this.#builds}`);
  }

  /** Bumps to what is built from a commit. @returns the bump */
  async bump(minutes: number, source: string): Promise<string> {
    const newTag = await tagOf(source, this.folder);
    const digest = `sha256:${source.slice(0, 32).repeat(2)}`;
    const before = readFileSync(join(this.folder, overlay), "utf8");
    this.#write(overlay, withImage(before, { newTag, digest }));
    return this.commit(minutes, `payment: ${newTag} to testing\n\nSource-Commit: ${source}`);
  }

  async revert(minutes: number, commit: string): Promise<string> {
    await this.#git(["revert", "--no-edit", commit], minutes);
    return this.#git(["rev-parse", "HEAD"]);
  }

  /** Changes the overlay, but not the image. */
  configure(minutes: number): Promise<string> {
    const file = join(this.folder, overlay);
    writeFileSync(file, `${readFileSync(file, "utf8")}# at ${minutes}\n`);
    return this.commit(minutes, "a value");
  }
}

/** An Application as Argo CD 3.6 records it, with these syncs. */
function application(...syncs: [minutes: number, revision: string][]): Application {
  const source = {
    path: `apps/${service}/overlays/${environment}`,
    repoURL: "https://github.com/bpesics/pe-gitops.git",
    targetRevision: "main",
  };
  const iso = (minutes: number) =>
    new Date((start + minutes * minute) * 1000).toISOString().replace(".000", "");
  const recorded = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: service, namespace: "argocd", uid: "5b0f6a3e-8b8e-4d2c-9a55-0d5f8f1f6c10" },
    spec: {
      destination: { namespace: `app-${service}`, server: "https://kubernetes.default.svc" },
      project: service,
      source,
    },
    status: {
      health: { status: "Healthy" },
      history: syncs.map(([minutes, revision], id) => ({
        deployStartedAt: iso(minutes),
        deployedAt: iso(minutes),
        id,
        initiatedBy: { automated: true },
        revision,
        source,
      })),
      sync: { revision: syncs.at(-1)?.[1] ?? "", status: "Synced" },
    },
  };
  return JSON.parse(JSON.stringify(recorded));
}

async function found(made: Repository, ...applications: Application[]): Promise<Deployment[]> {
  return (await records(made.folder, applications)).flatMap(deployments);
}

const minutes = (seconds: number | undefined) => seconds !== undefined && seconds / minute;

test("without a deployment there are no figures, and no division by nothing", async (t) => {
  const made = await Repository.make(t);
  await made.configure(10);
  t.deepEqual(await found(made), [], "a placeholder is no deployment");
  t.deepEqual(figures([], new Date()), {
    deployments: 0,
    perWeek: undefined,
    leadTime: undefined,
    failureRate: undefined,
    recoveryTime: undefined,
  });
  const empty = await page(new Map([["testing", []]]), new Date(), "Git and Argo CD");
  const text = asHtml(empty);
  t.regex(text, /Nothing was deployed yet/);
  t.notRegex(text, /NaN|Infinity|undefined/);
});

test("from Git alone: bumps are deployments, and a revert takes one back", async (t) => {
  const made = await Repository.make(t);
  await made.bump(20, await made.source(10));
  await made.configure(25);
  const bad = await made.bump(40, await made.source(30));
  await made.configure(42);
  await made.revert(55, bad);
  const all = await found(made);
  t.deepEqual(
    all.map((one) => [minutes(leadTime(one)), minutes(recoveryTime(one))]),
    [
      [10, false],
      [10, 15],
    ],
  );
  t.like(figures(all, new Date((start + 60 * minute) * 1000)), {
    deployments: 2,
    perWeek: 2,
    leadTime: 10 * minute,
    failureRate: 0.5,
    recoveryTime: 15 * minute,
  });
});

test("with Argo CD: what ran counts, and a rollback there comes before its revert in Git", async (t) => {
  const made = await Repository.make(t);
  const good = await made.bump(20, await made.source(10));
  const bad = await made.bump(40, await made.source(30));
  const reverted = await made.revert(70, bad);
  const all = await found(made, application([22, good], [43, bad], [50, good], [72, reverted]));
  t.deepEqual(
    all.map((one) => [minutes(leadTime(one)), minutes(recoveryTime(one))]),
    [
      [12, false],
      [13, 7],
    ],
  );
  // The control: an Application of another folder says nothing about this one.
  const other = application([22, good], [43, bad], [50, good]);
  Object.assign(other.spec?.source ?? {}, { path: "apps/payment/overlays/production" });
  t.deepEqual(
    (await found(made, other)).map((one) => [minutes(leadTime(one)), minutes(recoveryTime(one))]),
    [
      [10, false],
      [10, 30],
    ],
  );
});

test("what goes forward again after it was taken back is neither new nor another failure", async (t) => {
  const made = await Repository.make(t);
  await made.bump(20, await made.source(10));
  const second = await made.bump(40, await made.source(30));
  const back = await made.revert(50, second);
  await made.revert(60, back);
  await made.bump(80, await made.source(70));
  const all = await found(made);
  t.deepEqual(
    all.map((one) => minutes(recoveryTime(one))),
    [false, 10, false],
  );
});

test("the first version has nothing to go back to, and a history cut short is no rollback", async (t) => {
  const made = await Repository.make(t);
  const first = await made.bump(20, await made.source(10));
  const second = await made.bump(40, await made.source(30));
  const third = await made.bump(60, await made.source(50));
  const all = await found(made, application([43, second], [62, third]));
  t.deepEqual(
    all.map(({ liveAt, restoredAt }) => [liveAt !== undefined, restoredAt]),
    [
      [false, undefined],
      [true, undefined],
      [true, undefined],
    ],
  );
  // Synced once more after a value changed, and at a revision that is not in this clone.
  const again = application([43, second], [44, second], [50, "0".repeat(40)], [62, third]);
  t.deepEqual(await found(made, again), all);
  const withdrawn = await made.revert(90, third);
  t.is((await found(made, application([95, withdrawn]))).filter((one) => one.restoredAt).length, 1);
  t.truthy(first);
});

test("another digest of a tag is no other version, and back again is no failure", async (t) => {
  const made = await Repository.make(t);
  const source = await made.source(10);
  await made.bump(20, source);
  const file = join(made.folder, overlay);
  writeFileSync(file, readFileSync(file, "utf8").replace(/sha256:\w+/, `sha256:${"1".repeat(64)}`));
  const again = await made.commit(30, "built again");
  const back = await made.revert(40, again);
  for (const applications of [[], [application([31, again], [41, back])]]) {
    const all = await found(made, ...applications);
    t.deepEqual(
      all.map((one) => [minutes(leadTime(one)), one.restoredAt]),
      [[applications.length ? 21 : 10, undefined]],
    );
  }
  // The control: another source is another version.
  await made.bump(60, await made.source(50));
  t.is((await found(made)).length, 2);
});

test("clocks that disagree make no time negative", async (t) => {
  const made = await Repository.make(t);
  await made.bump(20, await made.source(30));
  const bad = await made.bump(50, await made.source(60));
  await made.revert(40, bad);
  const all = await found(made);
  t.deepEqual(
    all.map((one) => leadTime(one)),
    [0, 0],
  );
  t.is(figures(all, new Date((start + 60 * minute) * 1000)).leadTime, 0);
  const [first] = all;
  const early = await Repository.make(t);
  await early.bump(50, await early.source(40));
  await early.bump(30, await early.source(20));
  t.deepEqual(
    (await found(early)).map((one) => [minutes(leadTime(one)), one.restoredAt]),
    [
      [10, undefined],
      [10, undefined],
    ],
    "a version that is dated before the older one does not take it back",
  );
  t.is(recoveryTime({ ...(first as Deployment), restoredAt: new Date(start * 1000) }), 0);
});

test("figures: a week is whole, and what is not known is left out", (t) => {
  const at = (days: number) => new Date(Date.UTC(2026, 0, 1 + days));
  const one = (days: number): Deployment => ({
    ...{ service, environment, tag: String(days), bumpedAt: at(days) },
    ...{ sourceAt: at(days - 1), liveAt: undefined, restoredAt: undefined },
  });
  const all = [one(0), one(1), one(8), one(20)];
  t.is(figures(all, at(28)).perWeek, 1);
  t.is(figures(all.slice(3), at(21)).perWeek, 1, "not seven a week after one day");
});

test("the page shows each version and needs no other file; names in it are text", async (t) => {
  const made = await Repository.make(t);
  const good = await made.bump(20, await made.source(10));
  const bad = await made.bump(40, await made.source(30));
  const all = await found(made, application([22, good], [43, bad], [50, good]));
  const evil = `<script>alert("1")</script>`;
  const now = new Date((start + 100 * minute) * 1000);
  const shown = await page(
    new Map([
      ["testing", [...all, { ...all[0], service: evil } as Deployment]],
      ["production", []],
    ]),
    now,
    evil,
  );
  const text = asHtml(shown);
  for (const { tag } of all) t.true(text.includes(tag));
  t.regex(text, /change failure rate<\/td>\s*<td>33 %</);
  t.regex(text, /failed deployment recovery time<\/td>\s*<td>7 min</);
  t.regex(text, /So few deployments say little/);
  const points = (outcome: string) =>
    text.match(new RegExp(`aria-label="${outcome}" [^>]*aria-roledescription="point"`, "g"))
      ?.length;
  t.is(points("taken back"), 1);
  t.is(points("stayed"), 2);
  t.notRegex(text, /<script|NaN|Infinity|undefined/);
  t.notRegex(text, /\b(src|href|srcset|action)\s*=|url\(|@import|https?:\/\//i);
  const markdown = asText(shown);
  t.regex(markdown, /^\| change failure rate \| 33 % \| 1 of 3 taken back \|$/m);
  t.notRegex(markdown, /<script/);
});

test("make dora asks the cluster, does without, and wants the whole history", async (t) => {
  const made = await Repository.make(t);
  const bump = await made.bump(20, await made.source(10));
  const bin = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(bin, { recursive: true }));
  symlinkSync((await run("sh", ["-c", "command -v git"])).trim(), join(bin, "git"));
  const list = JSON.stringify({ items: [application([30, bump])] });
  const kubectl = (line: string) => {
    writeFileSync(join(bin, "kubectl"), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, "kubectl"), 0o755);
  };
  const dora = (cwd: string) =>
    run(process.execPath, [resolve("tools/commands/dora.ts")], {
      cwd,
      env: { PATH: bin },
      both: true,
    }).catch((error: Error) => error.message);
  kubectl(
    `[ "$1" = config ] && echo here && exit\ncat <<'END'\n${list}\nEND`.replace("cat", "/bin/cat"),
  );
  t.regex(
    await dora(made.folder),
    /testing: 1 deployment, [\d.]+ a week, lead time 20 min, 0 % taken back/,
  );
  t.regex(readFileSync(join(made.folder, "report/dora.html"), "utf8"), /1 Application/);
  kubectl("exit 1");
  const alone = await dora(made.folder);
  t.regex(alone, /No Argo CD answers/);
  t.regex(alone, /lead time 10 min/);

  const shallow = `${made.folder}/shallow`;
  await run("git", ["clone", "--quiet", "--depth=1", `file://${made.folder}`, shallow]);
  const refused = await dora(shallow);
  t.regex(refused, /git fetch --unshallow/);
  t.notRegex(refused, /at .*\.ts:/, "no stack");
});
