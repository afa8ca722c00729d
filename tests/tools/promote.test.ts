import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test from "ava";
import type { IPod } from "kubernetes-models/v1";
import { run } from "../../tools/cli/command.ts";
import { complaints, promotion, refusals, type Testing } from "../../tools/delivery/promotion.ts";
import { imageIn, overlayFile } from "../../tools/images/images.ts";
import type { Application } from "../../tools/kubernetes/cluster.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { type FakeGh, fakeGh, httpError, signedIn } from "../support/fake-gh.ts";
import { onGitHub, owner, registry } from "../support/owner.ts";

const tip = "4bb5a1d0c4e7f0a4b7d3c2f1e6a5948372615048";
const image = {
  name: `${registry}/payment`,
  newTag: "20261122-1a2b3c4d5e6f",
  digest: `sha256:${"c5".repeat(32)}`,
};
const reference = `${image.name}:${image.newTag}@${image.digest}`;

/** An Application as kubectl prints one of Argo CD 3.6 that is well, without what nobody here reads. */
const well = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "payment", namespace: "argocd" },
  spec: {
    destination: { namespace: "app-payment", server: "https://kubernetes.default.svc" },
    project: "payment",
    source: { path: "apps/payment/overlays/testing", targetRevision: "main" },
  },
  status: {
    health: { lastTransitionTime: "2026-11-22T19:30:11Z", status: "Healthy" },
    operationState: {
      message: "successfully synced (all tasks run)",
      phase: "Succeeded",
      syncResult: { revision: tip },
    },
    sync: { revision: tip, status: "Synced" },
    summary: { images: [reference] },
  },
};

const container = { name: "payment", image: reference };
const pod = (name: string): IPod => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name } },
  spec: { containers: [{ ...container }] },
  status: { containerStatuses: [{ ...container, imageID: "", restartCount: 0, ready: true }] },
});

/** What a cluster lists: a node that had this image by another index of it, and a pod that was evicted. */
const listed = [
  { ...pod("payment-1"), status: { containerStatuses: [{ ready: true, imageID: `x@sha256:0` }] } },
  { ...pod("payment-0"), status: { phase: "Failed", reason: "Evicted" } },
];

const testing = (): Testing => ({
  service: "payment",
  tip,
  image: { ...image },
  application: structuredClone(well),
  pods: [pod("payment-6d5f-abcde"), pod("payment-6d5f-fghij")],
});

test("what is Synced, Healthy and of the newest commit's image is not refused", (t) => {
  t.deepEqual(refusals(testing()), []);
});

type Status = NonNullable<Application["status"]>;
const status = (change: Status) => (is: Testing) =>
  Object.assign(is.application?.status as Status, change);

const refused: [what: string, change: (testing: Testing) => void, why: RegExp][] = [
  ["no Application", (is) => Object.assign(is, { application: undefined }), /has no Application/],
  [
    "the cluster of another environment",
    (is) =>
      Object.assign(is.application?.spec?.source as object, {
        path: "apps/payment/overlays/production",
      }),
    /not testing: it runs apps\/payment\/overlays\/production/,
  ],
  ["an image that was never built", ({ image }) => delete image.digest, /no digest/],
  [
    "OutOfSync, as after a rollback",
    status({ sync: { status: "OutOfSync", revision: tip } }),
    /OutOfSync, Healthy at 4bb5a1d in testing, not Synced/,
  ],
  [
    "a commit that does not render, and why",
    status({
      sync: { status: "Unknown", revision: tip },
      conditions: [{ type: "ComparisonError", message: "kustomize build failed" }],
    }),
    /not Synced\n +ComparisonError: kustomize build failed/,
  ],
  ["no status yet", (is) => delete is.application?.status, /is Unknown, Unknown at no commit/],
  ["Progressing", status({ health: { status: "Progressing" } }), /not Healthy/],
  [
    "Degraded, and why",
    status({ health: { status: "Degraded", message: "exceeded its progress deadline" } }),
    /not Healthy\n +exceeded its progress deadline/,
  ],
  [
    "Synced to an older commit",
    status({ sync: { status: "Synced", revision: `0${tip.slice(1)}` } }),
    /newest commit is 4bb5a1d: wait/,
  ],
  ["no pods", (is) => is.pods.splice(0), /no pod of payment runs/],
  [
    "a pod of another image",
    (is) => Object.assign(is.pods[0]?.spec?.containers[0] as object, { image: "ghcr.io/x:1" }),
    new RegExp(`payment-6d5f-abcde is of ghcr.io/x:1, not of ${registry}`),
  ],
  [
    "a pod that is not ready",
    (is) =>
      Object.assign(is.pods[1] as IPod, { status: { containerStatuses: [{ ready: false }] } }),
    /payment-6d5f-fghij is not ready/,
  ],
  [
    "a pod that has not begun",
    (is) => delete is.pods[1]?.status?.containerStatuses,
    /payment-6d5f-fghij is not ready/,
  ],
];
for (const [what, change, why] of refused) {
  test(`refused: ${what}`, (t) => {
    const is = testing();
    change(is);
    t.regex(refusals(is).join("\n"), why);
  });
}

/** Answers of payment: so many of a hundred accepted. */
const charges = (accepted: number) =>
  Array.from({ length: 100 }, (_, i) => ({ status: 200, result: i < accepted }));

test("half of the charges pass the smoke test; all, none, a failed one or no invoices do not", (t) => {
  for (const accepted of [45, 50, 55])
    t.deepEqual(complaints({ invoices: 200, charges: charges(accepted) }), []);
  for (const accepted of [0, 20, 80, 100]) {
    const [complaint = ""] = complaints({ invoices: 200, charges: charges(accepted) });
    t.regex(complaint, new RegExp(`^${accepted} of 100 charges accepted, and a fair coin gives`));
  }
  const failed = [...charges(50).slice(1), { status: 503 }];
  t.deepEqual(complaints({ invoices: 200, charges: failed }), [
    "1 of 100 charges failed, with 503",
  ]);
  t.deepEqual(complaints({ invoices: 500, charges: charges(50) }), [
    "Antaeus answers 500 when asked for its invoices",
  ]);
});

const production = overlayFile("payment", "production");
const smoke = { invoices: 200, charges: charges(48) };

test("a promotion is two lines of one file, and says what was tested", (t) => {
  const overlay = readFileSync(production, "utf8");
  const source = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d";
  const made = promotion(testing(), overlay, smoke, source);
  t.is(made?.file, production);
  t.is(made?.branch, "promote-payment-20261122-1a2b3c4d5e6f");
  t.deepEqual(imageIn(made?.text ?? ""), image);
  const without = (text = "") => text.replaceAll(/^ +(newTag|digest): .*\n/gm, "");
  t.is(without(made?.text), without(overlay));
  for (const part of [
    /^payment: 20261122-1a2b3c4d5e6f to production\n\n/,
    /In testing, at 4bb5a1d0c4e7: Synced, Healthy, 48 of 100 charges accepted\./,
    new RegExp(`\nSource-Commit: ${source}\nImage: ${reference}\n$`),
  ])
    t.regex(made?.message ?? "", part);
  t.is(promotion(testing(), made?.text ?? "", smoke), undefined, "a second time");
});

// The command, with a repository of its own, a cluster that answers as recorded, and GitHub in memory.

const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const name = `promote-payment-${image.newTag}`;
const pull = `https://github.com/${onGitHub}/pull/7`;
const list = `api repos/${onGitHub}/pulls?state=open&head=${owner}:${name}`;
const title = `payment: ${image.newTag} to production`;
const create = `pr create --repo ${onGitHub} --head ${name} --base main --title ${title} --body-file -`;

/** A working copy with its origin, and a kubectl and a gh beside it. */
async function setUp() {
  const [work, origin, bin] = ["work-", "origin-", "bin-"].map((name) =>
    mkdtempSync(join(folder, name)),
  ) as [string, string, string];
  const git = (...args: string[]) => run("git", ["-C", work, ...args]);
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(work, file)), { recursive: true });
    writeFileSync(join(work, file), text);
  };
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", origin]);
  await run("git", ["init", "--quiet", "--initial-branch=main", work]);
  await git("remote", "add", "origin", origin);
  for (const [field, value] of Object.entries({ name: "test", email: "test@localhost" }))
    await git("config", `user.${field}`, value);
  const overlay = (digest: string, tag: string) =>
    `resources:\n  - ../../base\nimages:\n  - name: ${image.name}\n    newTag: ${tag}\n    digest: ${digest}\n`;
  write(overlayFile("payment", "testing"), overlay(image.digest, image.newTag));
  write(production, overlay(`sha256:${"aa".repeat(32)}`, "20261101-aaaaaaaaaaaa"));
  write(
    "clusters/repository/kustomization.yaml",
    readFileSync("clusters/repository/kustomization.yaml", "utf8"),
  );
  for (const path of ["Makefile", ".tool-versions", "tools", "clusters/local/kind.yaml"])
    cpSync(path, join(work, path), { recursive: true });
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "first");
  await git("push", "--quiet", "origin", "main");
  const newest = await git("rev-parse", "HEAD");

  /** The cluster: what is Synced to which commit, and how many charges it accepts. */
  const cluster = ({
    revision = newest,
    accepted = 52,
    syncStatus = "Synced",
    later = "",
  } = {}) => {
    const application = structuredClone(well);
    application.status.sync = { status: syncStatus, revision };
    const after = structuredClone(application);
    if (later) after.status.health.status = later;
    const answers = {
      applications: { items: [application] },
      after: { items: [after] },
      pods: { items: listed },
      charges: charges(accepted),
    };
    for (const [name, answer] of Object.entries(answers))
      writeFileSync(join(bin, `${name}.json`), JSON.stringify(answer));
    rmSync(join(bin, "charged"), { force: true });
    writeFileSync(
      join(bin, "kubectl"),
      `#!/bin/sh
cd "${bin}"
case "$*" in
  "config current-context") echo testing ;;
  *"get applications"*) if [ -e charged ]; then cat after.json; else cat applications.json; fi ;;
  *"get pods"*) cat pods.json ;;
  *"exec deployment/antaeus"*localhost:8000*) echo 200 ;;
  *"exec deployment/antaeus"*) touch charged; cat charges.json ;;
  *) exit 1 ;;
esac
`,
    );
    chmodSync(join(bin, "kubectl"), 0o755);
  };
  cluster();

  const inWork = (gh: FakeGh, options: NodeJS.ProcessEnv, command: string, ...args: string[]) => {
    const env = { ...process.env, ...options, PATH: `${bin}:${gh.folder}:${process.env.PATH}` };
    return run(command, args, { cwd: work, env, both: true }).then(
      (printed): [boolean, string] => [true, printed],
      (error: Error): [boolean, string] => [false, error.message],
    );
  };
  const gh = fakeGh({ ...signedIn, [list]: [[], [{ html_url: pull }]], [create]: [pull] });
  const signedOut = fakeGh({});
  const promote = ({ as = gh, options = { SERVICE: "payment" } as NodeJS.ProcessEnv } = {}) =>
    inWork(as, options, process.execPath, resolve("tools/commands/promote.ts"));
  const shell = (commands: string) => inWork(gh, {}, "bash", "-ec", commands);
  const branches = async (where: string) =>
    (await run("git", ["-C", where, "branch", "--format=%(refname:short)"])).split("\n");
  return { work, origin, git, newest, gh, signedOut, cluster, promote, shell, branches };
}

test("the command pushes a branch with two changed lines, and opens a pull request", async (t) => {
  const { origin, git, newest, gh, promote, branches, work } = await setUp();
  const [succeeded, printed] = await promote();
  t.true(succeeded, printed);
  t.true(printed.includes(`Opened ${pull}`), printed);
  t.deepEqual(await branches(work), ["main"], "no branch is left here");
  t.is(await git("status", "--porcelain"), "");

  await git("fetch", "--quiet", "origin", name);
  t.is(await git("rev-parse", "FETCH_HEAD^"), newest);
  const changed = await git("show", "--format=", "--unified=0", "FETCH_HEAD");
  t.deepEqual(changed.match(/^[-+](?![-+]).*/gm), [
    "-    newTag: 20261101-aaaaaaaaaaaa",
    `-    digest: sha256:${"aa".repeat(32)}`,
    `+    newTag: ${image.newTag}`,
    `+    digest: ${image.digest}`,
  ]);
  t.deepEqual(changed.match(/^\+\+\+ .*/gm), [`+++ b/${production}`]);
  t.deepEqual(await branches(origin), ["main", name]);
  t.is(await run("git", ["-C", origin, "rev-parse", "main"]), newest, "nothing is merged");

  t.deepEqual(
    gh.calls().map(({ args }) => args),
    [list, create],
  );
  t.regex(gh.calls()[1]?.input ?? "", /52 of 100 charges accepted/);

  const [again, second] = await promote();
  t.true(again);
  t.regex(second, /It is open already: .*pull\/7/);
  t.deepEqual(
    gh.calls().map(({ args }) => args),
    [list, create, list],
  );
});

test("without gh, or without its token, there is a branch, and what to do with it", async (t) => {
  const { git, signedOut, promote, branches, work, origin } = await setUp();
  const [succeeded, printed] = await promote({ as: signedOut });
  t.true(succeeded, printed);
  t.regex(printed, new RegExp(`git push origin ${name}, and open a pull request.*gh auth login`));
  t.deepEqual(await branches(work), ["main", name]);
  t.deepEqual(await branches(origin), ["main"]);
  t.is(await git("diff", "--name-only", "main", name), production);
  t.deepEqual(signedOut.calls(), []);
  const [again, second] = await promote({ as: signedOut });
  t.false(again);
  t.regex(second, new RegExp(`There is a branch ${name} already: merge it`));
});

test("a dry run shows the change and the commands, and runs none", async (t) => {
  const { gh, signedOut, promote, branches, work, origin } = await setUp();
  for (const as of [gh, signedOut]) {
    const [succeeded, printed] = await promote({
      as,
      options: { SERVICE: "payment", DRY_RUN: "1" },
    });
    t.true(succeeded, printed);
    t.regex(printed, new RegExp(`\\+ +digest: ${image.digest}`));
    t.regex(printed, /A dry run/);
    const command = `gh ${create.replace(title, `'${title}'`)} <<'END'\n`;
    t.is(printed.includes(command), as === gh, printed);
    t.deepEqual(as.calls(), []);
  }
  for (const where of [work, origin]) t.deepEqual(await branches(where), ["main"]);
});

test("what production says already is not promoted again", async (t) => {
  const { work, git, gh, cluster, promote } = await setUp();
  const text = readFileSync(join(work, overlayFile("payment", "testing")), "utf8");
  writeFileSync(join(work, production), text);
  await git("commit", "--quiet", "--all", "--message", "promoted");
  await git("push", "--quiet", "origin", "main");
  cluster({ revision: await git("rev-parse", "HEAD") });
  const [succeeded, printed] = await promote();
  t.true(succeeded, printed);
  t.regex(printed, /production says 20261122-1a2b3c4d5e6f already/);
  t.deepEqual(gh.calls(), []);
});

type Cluster = Awaited<ReturnType<typeof setUp>>["cluster"];
const stopped: [what: string, is: Parameters<Cluster>[0], why: RegExp][] = [
  ["testing is OutOfSync", { syncStatus: "OutOfSync" }, /not Synced/],
  ["testing has not seen the newest commit", { revision: tip }, /newest commit is .*wait/],
  ["payment refuses every charge", { accepted: 0 }, /0 of 100 charges accepted, and a fair coin/],
  ["testing fails during the smoke test", { later: "Degraded" }, /not Healthy/],
];
test("nothing is promoted, pushed or asked while testing is not well", async (t) => {
  const { gh, cluster, promote, branches, work, origin } = await setUp();
  for (const [what, is, why] of stopped) {
    cluster(is);
    const [succeeded, printed] = await promote();
    t.false(succeeded, what);
    t.regex(printed, why, what);
    t.regex(printed, /Not promoted:\n.*make status/s, what);
    t.notRegex(printed, /at .*\.ts:/, "no stack");
  }
  for (const where of [work, origin]) t.deepEqual(await branches(where), ["main"]);
  t.deepEqual(gh.calls(), []);
});

test("a token that may not, a service that is none, and a flag that is none", async (t) => {
  const { promote, branches, origin } = await setUp();
  const bad = fakeGh({ ...signedIn, [list]: [httpError(403, "Resource not accessible")] });
  const [, forbidden] = await promote({ as: bad });
  t.regex(forbidden, /Pull requests: write.*not accessible \(HTTP 403\)/s);
  t.regex(
    (await promote({ options: { SERVICE: "payments" } }))[1],
    /SERVICE must be one of payment, and is "payments"/,
  );
  t.regex((await promote({ options: {} }))[1], /SERVICE must be one of payment/);
  const mistyped = { SERVICE: "payment", DRY_RUN: "yes" };
  t.regex((await promote({ options: mistyped }))[1], /DRY_RUN must be 1 or left out, and is "yes"/);
  t.deepEqual(await branches(origin), ["main"]);
});

test("docs/delivery.md's commands promote", async (t) => {
  const { shell, branches, origin, gh } = await setUp();
  const blocks = commandsUnder("docs/delivery.md", "Promote");
  t.is(blocks.length, 1);
  for (const commands of blocks) {
    const [succeeded, printed] = await shell(commands);
    t.true(succeeded, printed);
    t.regex(printed, /A dry run: nothing was pushed.*Opened https:/s);
  }
  t.deepEqual(await branches(origin), ["main", name]);
  t.is(gh.calls().filter(({ args }) => args === create).length, 1);
});
