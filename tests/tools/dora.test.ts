import { symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { records } from "../../tools/dora/deployments.ts";
import {
  type Deployment,
  deployments,
  figures,
  leadTime,
  median,
  timeToRestore,
  weeks,
} from "../../tools/dora/figures.ts";
import { duration, page } from "../../tools/dora/page.ts";
import { overlayFile } from "../../tools/images/images.ts";
import type { Application } from "../../tools/kubernetes/cluster.ts";
import { fakeProgram } from "../support/fake-program.ts";
import { WorkingCopy } from "../support/working-copy.ts";

const minute = 60;
const start = Date.UTC(2026, 0, 5) / 1000;
const [service, environment] = ["payment", "testing"];
const overlay = overlayFile(service, environment);

/** A repository with one service in one environment, whose clock is set by hand. */
class Repository extends WorkingCopy {
  #builds = 0;

  static async make(): Promise<Repository> {
    const made = await new Repository().init();
    await made.at(0).commit("the service", {
      "clusters/testing/root.yaml": "",
      [overlay]: "images:\n  - name: ghcr.io/bpesics/pe-payment\n    newTag: 0.0.0\n",
    });
    return made;
  }

  /** @param minutes after the start: the time of what is committed next */
  at(minutes: number): this {
    const date = `${start + minutes * minute} +0000`;
    this.env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    return this;
  }

  /** Changes the source. @returns the commit */
  source(minutes: number): Promise<string> {
    this.#builds += 1;
    const files = { "payment-service/main.ts": `// version ${this.#builds}\n` };
    return this.at(minutes).commit(`version ${this.#builds}`, files);
  }

  /** Bumps to what is built from a commit. @returns the bump */
  bumpAt(minutes: number, source: string): Promise<string> {
    return this.at(minutes).bump(service, source, `sha256:${source.slice(0, 32).repeat(2)}`);
  }

  /** Changes the overlay, but not the image. */
  configure(minutes: number): Promise<string> {
    const text = `${this.read(overlay)}# at ${minutes}\n`;
    return this.at(minutes).commit("a value", { [overlay]: text });
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
  const made = await Repository.make();
  await made.configure(10);
  t.deepEqual(await found(made), [], "a placeholder is no deployment");
  t.deepEqual(figures([], new Date()), {
    deployments: 0,
    perWeek: undefined,
    leadTime: undefined,
    failureRate: undefined,
    timeToRestore: undefined,
  });
  const text = page(new Map([["testing", []]]), new Date(), { git: "a", argocd: "b" });
  t.regex(text, /Nothing was deployed yet/);
  t.notRegex(text, /NaN|Infinity|undefined/);
});

test("from Git alone: bumps are deployments, and a revert takes one back", async (t) => {
  const made = await Repository.make();
  await made.bumpAt(20, await made.source(10));
  await made.configure(25);
  const bad = await made.bumpAt(40, await made.source(30));
  await made.configure(42);
  await made.at(55).revert(bad);
  const all = await found(made);
  t.deepEqual(
    all.map((one) => [minutes(leadTime(one)), minutes(timeToRestore(one))]),
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
    timeToRestore: 15 * minute,
  });
});

test("with Argo CD: what ran counts, and a rollback there comes before its revert in Git", async (t) => {
  const made = await Repository.make();
  const good = await made.bumpAt(20, await made.source(10));
  const bad = await made.bumpAt(40, await made.source(30));
  const reverted = await made.at(70).revert(bad);
  const all = await found(made, application([22, good], [43, bad], [50, good], [72, reverted]));
  t.deepEqual(
    all.map((one) => [minutes(leadTime(one)), minutes(timeToRestore(one))]),
    [
      [12, false],
      [13, 7],
    ],
  );
  // The control: an Application of another folder says nothing about this one.
  const other = application([22, good], [43, bad], [50, good]);
  Object.assign(other.spec?.source ?? {}, { path: "apps/payment/overlays/production" });
  t.deepEqual(
    (await found(made, other)).map((one) => [minutes(leadTime(one)), minutes(timeToRestore(one))]),
    [
      [10, false],
      [10, 30],
    ],
  );
});

test("what goes forward again after it was taken back is neither new nor another failure", async (t) => {
  const made = await Repository.make();
  await made.bumpAt(20, await made.source(10));
  const second = await made.bumpAt(40, await made.source(30));
  const back = await made.at(50).revert(second);
  await made.at(60).revert(back);
  await made.bumpAt(80, await made.source(70));
  const all = await found(made);
  t.deepEqual(
    all.map((one) => minutes(timeToRestore(one))),
    [false, 10, false],
  );
});

test("the first version has nothing to go back to, and a history cut short is no rollback", async (t) => {
  const made = await Repository.make();
  const first = await made.bumpAt(20, await made.source(10));
  const second = await made.bumpAt(40, await made.source(30));
  const third = await made.bumpAt(60, await made.source(50));
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
  const withdrawn = await made.at(90).revert(third);
  t.is((await found(made, application([95, withdrawn]))).filter((one) => one.restoredAt).length, 1);
  t.truthy(first);
});

test("a digest alone makes another version", async (t) => {
  const made = await Repository.make();
  const source = await made.source(10);
  await made.bumpAt(20, source);
  const text = made.read(overlay).replace(/sha256:\w+/, `sha256:${"1".repeat(64)}`);
  await made.at(30).commit("built again", { [overlay]: text });
  t.is((await found(made)).length, 2);
});

test("figures: medians, weeks, and what is not known left out", (t) => {
  t.is(median([]), undefined);
  t.is(median([3]), 3);
  t.is(median([5, 1, 3]), 3);
  t.is(median([4, 1, 3, 2]), 2.5);
  const at = (days: number) => new Date(Date.UTC(2026, 0, 1 + days));
  const one = (days: number): Deployment => ({
    ...{ service, environment, image: String(days) },
    bumpedAt: at(days),
  });
  const all = [one(0), one(1), one(8), one(20)];
  t.is(figures(all, at(28)).perWeek, 1);
  t.is(figures(all.slice(3), at(21)).perWeek, 1, "not seven a week after one day");
  t.deepEqual(
    weeks(all, at(28), 4).map(([, within]) => within.length),
    [1, 1, 1, 0],
    "a week holds its end, not its beginning",
  );
  t.is(
    weeks(all, at(28), 5).reduce((sum, [, { length }]) => sum + length, 0),
    4,
    "each once",
  );
});

test("durations are for people", (t) => {
  for (const [seconds, text] of [
    [undefined, "–"],
    [0, "0 s"],
    [90, "90 s"],
    [150, "2.5 min"],
    [3000, "50 min"],
    [9000, "2.5 h"],
    [86_400 * 3, "3 days"],
  ] as const)
    t.is(duration(seconds), text);
});

test("the page shows each version and needs no other file; names in it are text", async (t) => {
  const made = await Repository.make();
  const good = await made.bumpAt(20, await made.source(10));
  const bad = await made.bumpAt(40, await made.source(30));
  const all = await found(made, application([22, good], [43, bad], [50, good]));
  const evil = `<script>alert("1")</script>`;
  const now = new Date((start + 100 * minute) * 1000);
  const text = page(
    new Map([
      ["testing", [...all, { ...all[0], service: evil } as Deployment]],
      ["production", []],
    ]),
    now,
    { git: evil, argocd: "1 Application" },
  );
  for (const { image } of all) t.true(text.includes(image.replace(/@.*/, "")));
  t.regex(text, /change failure rate.*<b>33 %<\/b>/);
  t.regex(text, /time to restore.*<b>7 min<\/b>/);
  t.regex(text, /So few deployments say little/);
  t.is(text.match(/<circle class="step-1"/g)?.length, 1, "the one that was taken back");
  t.is(text.match(/<circle class="step-2"/g)?.length, 2);
  t.notRegex(text, /<script|NaN|Infinity|undefined/);
  t.notRegex(text, /\b(src|href|srcset|action)\s*=|url\(|@import|https?:\/\//i);
});

test("make dora asks the cluster, does without, and wants the whole history", async (t) => {
  const made = await Repository.make();
  const bump = await made.bumpAt(20, await made.source(10));
  const kubectl = fakeProgram("kubectl", {
    "config current-context": ["here"],
    "get applications": [{ items: [application([30, bump])] }],
  });
  const PATH = kubectl.folder;
  symlinkSync((await run("sh", ["-c", "command -v git"])).trim(), join(PATH, "git"));
  const [, told] = await made.command("dora", [], { PATH });
  t.regex(told, /testing: 1 deployment, [\d.]+ a week, lead time 20 min, 0 % taken back/);
  t.regex(made.read("report/dora.html"), /1 Application/);
  kubectl.set({});
  const [, alone] = await made.command("dora", [], { PATH });
  t.regex(alone, /No Argo CD answers/);
  t.regex(alone, /lead time 10 min/);

  const shallow = new WorkingCopy();
  await run("git", ["clone", "--quiet", "--depth=1", `file://${made.folder}`, shallow.folder]);
  const [, refused] = await shallow.command("dora", [], { PATH });
  t.regex(refused, /git fetch --unshallow/);
  t.notRegex(refused, /at .*\.ts:/, "no stack");
});
