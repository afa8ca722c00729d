import { readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import test from "ava";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPod } from "kubernetes-models/v1";
import { run } from "../../tools/cli/command.ts";
import { testsStep } from "../../tools/delivery/checks.ts";
import { bumpOf, changeOf, log, revertOf } from "../../tools/delivery/history.ts";
import type { AnalysisRun, Rollout } from "../../tools/delivery/rollout.ts";
import type { Step } from "../../tools/delivery/steps.ts";
import { type Observation, stepsOf } from "../../tools/delivery/tracking.ts";
import { tagOf } from "../../tools/images/images.ts";
import type { Application } from "../../tools/kubernetes/cluster.ts";
import { httpError, signedIn } from "../support/fake-gh.ts";
import { type FakeProgram, fakeProgram } from "../support/fake-program.ts";
import { temporary } from "../support/temporary.ts";
import { WorkingCopy } from "../support/working-copy.ts";

const digest = (digit: number) => `sha256:${String(digit).repeat(64)}`;
const imageName = "ghcr.io/bpesics/pe-gitops/payment";
const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const overlayWith = (tag: string, digit: number) =>
  `images:\n  - name: ${imageName}\n    newTag: ${tag}\n    digest: ${digest(digit)}\n`;

// What the cluster says, in the form that kubectl prints it, of an Application whose newest commit is live.

// After the commits that the tests make, in whole seconds.
const begin = Math.floor(Date.now() / 1000) + 300;
const at = (second: number) => new Date((begin + second) * 1000).toISOString();

/** @param revisions what was deployed, the newest last; the last one is synced */
function application(revisions: string[], repoURL = ""): Application {
  const newest = revisions.at(-1) as string;
  return {
    metadata: { name: "payment" },
    spec: {
      source: { repoURL, path: dirname(overlay), targetRevision: "main" },
      syncPolicy: { automated: {} },
    },
    status: {
      sync: { status: "Synced", revision: newest },
      health: { status: "Healthy" },
      operationState: {
        phase: "Succeeded",
        message: "successfully synced (all tasks run)",
        operation: { sync: { revision: newest } },
      },
      history: revisions.map((revision, id) => ({
        id,
        revision,
        deployStartedAt: at(id * 10),
        deployedAt: at(id * 10 + 1),
      })),
      resources: [
        { kind: "Service", namespace: "app-payment", name: "payment" },
        { kind: "Deployment", namespace: "app-payment", name: "payment" },
      ],
    },
  };
}

const labels = { "app.kubernetes.io/name": "payment" };
const podSpec = (image: string) => ({ containers: [{ name: "payment", image }] });
const condition = (type: string, reason: string, status: string, second: number) => ({
  ...{ type, reason, status },
  lastUpdateTime: at(second),
  lastTransitionTime: at(second),
});

/** @param second when its last rollout was over */
const deployment = (image: string, second: number): IDeployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "payment", namespace: "app-payment", generation: 4 },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec(image) },
  },
  status: {
    observedGeneration: 4,
    replicas: 2,
    updatedReplicas: 2,
    availableReplicas: 2,
    conditions: [condition("Progressing", "NewReplicaSetAvailable", "True", second)],
  },
});

/** @param waiting why its container does not start */
const pod = (name: string, waiting?: { reason: string; message?: string }): IPod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "app-payment", labels: { ...labels, "pod-template-hash": "6c9c7" } },
  spec: podSpec(newImage),
  status: {
    phase: "Running",
    containerStatuses: [
      {
        ...{ name: "payment", image: newImage, imageID: "", restartCount: 0 },
        ready: !waiting,
        state: waiting ? { waiting } : {},
      },
    ],
  },
});

const oldImage = `${imageName}:old@${digest(1)}`;
const newImage = `${imageName}:new@${digest(2)}`;
const [older, bumped, newer] = ["a", "b", "d"].map((letter) => letter.repeat(40)) as [
  string,
  string,
  string,
];
const commitAt = (sha: string, second: number, subject: string) => ({
  ...{ sha, subject, body: "" },
  time: new Date(at(second)),
});

/** Everything as it is when a bump is live that was deployed 10 seconds after the commit before. */
const live = () => ({
  application: application([older, bumped]),
  revisions: new Set([bumped]),
  release: {
    expected: `${imageName}:new`,
    bump: { ...commitAt(bumped, 5, "payment: new to testing"), image: newImage },
    synced: `@${digest(2)}`,
  },
  deployments: [deployment(newImage, 19)],
  rollouts: [],
  analyses: [],
  pods: [pod("one"), pod("two")],
});

type Status = NonNullable<Application["status"]>;
interface Seen extends Observation {
  deployments: [IDeployment];
  pods: [IPod, ...IPod[]];
}
type Change = (seen: Seen) => unknown;

function after(change: Change): Step[] {
  const seen = live() as unknown as Seen;
  change(seen);
  return stepsOf(seen);
}

const status = (change: Status) => (seen: Seen) =>
  Object.assign(seen.application.status as Status, change);
const outOfSync = { status: "OutOfSync", revision: bumped };
const operation = (phase: string, message: string, revision = bumped) => ({
  operationState: { phase, message, operation: { sync: { revision } } },
});

test("a bump that is live: each step is done, at its time", (t) => {
  const steps = after(() => {});
  t.deepEqual(
    steps.map(({ name, state, at }) => [name, state, at?.toISOString()]),
    [
      ["image", "done", undefined],
      ["bump", "done", at(5)],
      ["sync", "done", at(11)],
      ["rollout", "done", at(19)],
    ],
  );
  t.is(steps[0]?.what, newImage);
  t.is(steps[3]?.what, `payment: 2 of 2 updated and available, ${digest(2)}`);
});

test("a change of manifests alone has no image, and one of no pod no rollout", (t) => {
  const states = (change: Change) => after(change).map(({ name, state }) => `${name} ${state}`);
  const manifests = { release: undefined };
  t.deepEqual(
    states((seen) => Object.assign(seen, manifests)),
    ["sync done", "rollout done"],
  );
  t.deepEqual(
    states((seen) => Object.assign(seen, manifests, { deployments: [] })),
    ["sync done"],
  );
});

// Where each change stops the way, and what is said there; nowhere when that is empty.
for (const [what, change, where, words] of [
  [
    "without an image nothing else is looked at",
    ({ release }) => Object.assign(release as object, { bump: undefined }),
    "image waiting",
    /no commit names ghcr.io\/bpesics\/pe-gitops\/payment:new yet/,
  ],
  [
    "a bump that was taken back is the end",
    ({ release }) =>
      Object.assign(release as object, { takenBack: commitAt("c".repeat(40), 30, "Revert it") }),
    "bump stopped",
    /taken back by ccccccc Revert it/,
  ],
  [
    "Argo CD that is behind",
    status({ sync: { status: "Synced", revision: older } }),
    "sync waiting",
    /Argo CD is at aaaaaaa, which does not have it/,
  ],
  [
    "an Application that is new",
    ({ application }) => delete application.status,
    "sync waiting",
    /Argo CD is at no comm/,
  ],
  [
    "OutOfSync, a sync under way",
    status({ sync: outOfSync, ...operation("Running", "not valid. Retrying attempt #1") }),
    "sync waiting",
    /^OutOfSync at bbbbbbb: not valid. Retrying attempt #1$/,
  ],
  [
    "OutOfSync, a sync that says nothing yet",
    status({ sync: outOfSync, operationState: { phase: "Running" } }),
    "sync waiting",
    /^OutOfSync at bbbbbbb$/,
  ],
  [
    "a sync of it that failed is the end",
    status({ sync: outOfSync, ...operation("Failed", "forbidden") }),
    "sync stopped",
    /sync Failed: forbidden/,
  ],
  [
    "a sync that failed before it came is not",
    status({ sync: outOfSync, ...operation("Failed", "forbidden", older) }),
    "sync waiting",
    /^OutOfSync at bbbbbbb$/,
  ],
  [
    "manifests that do not render",
    status({
      sync: { status: "Unknown", revision: bumped },
      conditions: [{ type: "ComparisonError", message: "no such file: ../../basement" }],
    }),
    "sync waiting",
    /ComparisonError: no such file: ..\/..\/basement/,
  ],
  [
    "rolled back by the button",
    (seen) => {
      Object.assign(seen.application.spec as object, {
        syncPolicy: { automated: { enabled: false } },
      });
      status({ sync: outOfSync })(seen);
      seen.application.status?.history?.push({ id: 2, revision: older, deployedAt: at(40) });
    },
    "sync stopped",
    /auto-sync is off: what runs is of aaaaaaa/,
  ],
  [
    "a Deployment that its controller has not seen",
    ({ deployments: [{ metadata }] }) => Object.assign(metadata as object, { generation: 5 }),
    "rollout waiting",
    /payment: 0 of 2 updated/,
  ],
  [
    "a rollout under way, whose new pod cannot be pulled",
    ({ deployments, pods }) => {
      Object.assign(deployments[0].status as object, { updatedReplicas: 1, replicas: 3 });
      pods.push(pod("new", { reason: "ImagePullBackOff", message: "not found" }));
    },
    "rollout waiting",
    /payment: 1 of 2 updated, 2 available; new ImagePullBackOff: not found$/,
  ],
  [
    "a rollout under way, whose new pod starts",
    ({ deployments, pods }) => {
      Object.assign(deployments[0].status as object, { updatedReplicas: 1, replicas: 3 });
      pods.push(pod("new", { reason: "ContainerCreating" }));
    },
    "rollout waiting",
    /payment: 1 of 2 updated, 2 available$/,
  ],
  [
    "an old pod that drains, and answers meanwhile",
    ({ deployments: [{ status }] }) => Object.assign(status as object, { terminatingReplicas: 1 }),
    "rollout waiting",
    /payment: 2 of 2 updated and available, 1 terminating$/,
  ],
  [
    "a rollout that ran out of time is the end",
    ({ deployments: [{ status }] }) => {
      const late = condition("Progressing", "ProgressDeadlineExceeded", "False", 99);
      Object.assign(status as object, { conditions: [{ ...late, message: "too late" }] });
    },
    "rollout stopped",
    /^too late$/,
  ],
  [
    "a Deployment with another image than Git",
    ({ deployments: [{ spec }] }) =>
      Object.assign(spec?.template as object, { spec: podSpec(oldImage) }),
    "rollout waiting",
    new RegExp(`is .*:old@.*, and should be @${digest(2)}`),
  ],
  [
    "a pod that is not ready",
    ({ deployments: [{ status }] }) => Object.assign(status as object, { availableReplicas: 1 }),
    "rollout waiting",
    /payment: 2 of 2 updated, 1 available$/,
  ],
  [
    "a pod of the version before that is there still",
    ({ deployments: [{ status }] }) => Object.assign(status as object, { replicas: 3 }),
    "rollout waiting",
    /payment: 2 of 2 updated, 2 available$/,
  ],
  [
    "a pod that was evicted does not count",
    ({ pods }) => {
      const evicted = pod("evicted");
      evicted.status = { phase: "Failed", reason: "Evicted" };
      pods.push(evicted);
    },
    "",
    /^$/,
  ],
] as [string, Change, string, RegExp][]) {
  test(what, (t) => {
    const steps = after(change);
    const index = steps.findIndex((step) => step.state !== "done");
    const stopped = steps[index];
    t.is(stopped ? `${stopped.name} ${stopped.state}` : "", where, stopped?.what);
    t.regex(stopped?.what ?? "", words);
    t.notRegex(steps.map((step) => step.what).join("\n"), /undefined/);
    const later = index < 0 ? [] : steps.slice(index + 1);
    t.true(later.every((step) => step.state === "waiting" && step.what === ""));
    t.is(steps.length, 4);
  });
}

const version = "rollouts-pod-template-hash";

/** payment's Rollout, whose release began with generation 4 and passed at a second. */
const rollout = (status: Rollout["status"] = {}): Rollout => ({
  kind: "Rollout",
  metadata: { name: "payment", namespace: "app-payment", generation: 4 },
  spec: { replicas: 2, template: { spec: podSpec(newImage) } },
  status: {
    observedGeneration: "4",
    phase: "Healthy",
    currentPodHash: "new",
    updatedReplicas: 2,
    conditions: [condition("Completed", "RolloutCompleted", "True", 45)],
    ...status,
  },
});

const podOf = (name: string, hash: string, phase: "Running" | "Failed" = "Running"): IPod => {
  const { metadata, ...rest } = pod(name);
  return { ...rest, metadata: { ...metadata, labels: { [version]: hash } }, status: { phase } };
};

/** The Job of an analysis. */
const probe = (message: string): IPod => ({
  ...pod("probe"),
  metadata: { name: "probe", labels: { "analysisrun.argoproj.io/uid": "1" } },
  status: {
    phase: "Failed",
    containerStatuses: [
      {
        ...{ name: "probe", image: newImage, imageID: "", restartCount: 0, ready: false },
        state: { terminated: { exitCode: 1, message } },
      },
    ],
  },
});

const analysis = (hash: string, name: string, phase: string, measured: object): AnalysisRun => ({
  kind: "AnalysisRun",
  metadata: { name: "payment-new", labels: { [version]: hash } },
  status: { metricResults: [{ name, phase, measurements: [{ value: "[-3]" }, measured] }] },
});

const failed = analysis("new", "failed-charges", "Failed", { value: "[12.5]" });
const away = { message: "prometheus.monitoring:9090: connection refused" };

for (const [what, seen, state, words] of [
  [
    "a release that has passed",
    { rollouts: [rollout()], pods: [podOf("one", "new"), podOf("evicted", "old", "Failed")] },
    "done",
    new RegExp(`^payment: 2 of 2 updated and passed, ${digest(2)}$`),
  ],
  [
    "a release that has passed, and whose predecessor answers still",
    { rollouts: [rollout()], pods: [podOf("one", "new"), podOf("before", "old")] },
    "waiting",
    /^payment: 2 of 2 updated and passed, 1 old pods end$/,
  ],
  [
    "a release that Argo Rollouts has not seen",
    { rollouts: [rollout({ observedGeneration: "3" })] },
    "waiting",
    /^payment: Argo Rollouts has not seen it yet$/,
  ],
  [
    "a release that is probed",
    { rollouts: [rollout({ phase: "Progressing", message: "waiting for analysis" })] },
    "waiting",
    /^payment: 2 of 2 updated, waiting for analysis$/,
  ],
  [
    "a release whose probe found it wrong",
    {
      rollouts: [rollout({ phase: "Degraded", message: "RolloutAborted: it failed" })],
      pods: [podOf("one", "old"), probe("good: it repeats\nwrong: it answered 320 of 420")],
      analyses: [failed, analysis("old", "failed-charges", "Failed", {})],
    },
    "stopped",
    /^payment: 2 of 2 updated, RolloutAborted: it failed; failed-charges Failed: \[12.5\]; wrong: it answered 320 of 420$/,
  ],
  [
    "a release that waits for Prometheus",
    {
      rollouts: [rollout({ phase: "Progressing" })],
      analyses: [analysis("new", "seen-by-prometheus", "Running", away)],
    },
    "waiting",
    /^payment: 2 of 2 updated; seen-by-prometheus Running: prometheus.monitoring:9090: connection refused$/,
  ],
  [
    "a release of which there is no telling",
    { rollouts: [rollout({ phase: "Paused", message: "InconclusiveAnalysisRun" })] },
    "stopped",
    /^payment: 2 of 2 updated, and a person decides, InconclusiveAnalysisRun$/,
  ],
] as [string, Partial<Observation>, string, RegExp][]) {
  test(what, (t) => {
    const steps = after((all) => Object.assign(all, { deployments: [], pods: [] }, seen));
    const { name, at: time, ...last } = steps.at(-1) ?? ({} as Step);
    t.is(`${name} ${last.state}`, `rollout ${state}`);
    t.regex(last.what, words);
    t.is(time?.toISOString(), state === "done" ? at(45) : undefined);
  });
}

test("times that are another commit's are left out", (t) => {
  const times = (change: Change) =>
    Object.fromEntries(after(change).map(({ name, at }) => [name, at?.toISOString()]));
  const synced = times(({ application, revisions }) => {
    application.status?.history?.push({ id: 2, revision: newer, deployedAt: at(30) });
    revisions.add(newer);
  });
  t.like(synced, { sync: at(11), rollout: undefined });

  const entry = { id: 12, revision: bumped, deployedAt: at(11) };
  const forgotten = times(status({ history: [entry] }));
  t.like(forgotten, { sync: undefined, rollout: undefined });

  // The pods ran on: it was live when it was synced.
  const noRollout = times((seen) => {
    seen.deployments = [deployment(newImage, 2)];
  });
  t.like(noRollout, { rollout: at(11) });
});

test("what the tests said", (t) => {
  const check = (name: string, conclusion: string | null, completed_at: string | null = at(9)) => ({
    ...{ name, conclusion, completed_at },
    status: conclusion ? "completed" : "in_progress",
  });
  t.like(testsStep([]), { state: "unknown" });
  t.deepEqual(testsStep([check("test", "success"), check("cluster", "skipped", at(8))]), {
    ...{ name: "tests", state: "done", what: "test, cluster", at: new Date(at(9)) },
  });
  t.like(testsStep([check("test", "success"), check("cluster", null, null)]), {
    ...{ state: "waiting", what: "under way: cluster" },
  });
  t.like(testsStep([check("test", "success"), check("cluster", "cancelled")]), {
    ...{ state: "unknown", what: "cancelled: cluster" },
  });
  for (const bad of ["failure", "timed_out", "action_required"]) {
    t.like(testsStep([check("test", "success"), check("cluster", bad)]), {
      ...{ state: "stopped", what: "failed: cluster" },
    });
  }
});

// With Git, in repositories made here.

/** A clone of a repository with both services, whose payment may be changed. */
async function clone(): Promise<WorkingCopy> {
  const made = await new WorkingCopy().init();
  const files = ["antaeus", "payment"].map((service) => [
    `apps/${service}/overlays/testing/kustomization.yaml`,
    overlayWith("1.0.0", 0),
  ]);
  await made.commit("first", { ...Object.fromEntries(files), "payment-service/main.ts": "0" });
  return made;
}

const change = (made: WorkingCopy, version: number) =>
  made.commit(`version ${version}`, { "payment-service/main.ts": `${version}` });

test("which Applications a commit concerns", async (t) => {
  const made = await new WorkingCopy().init();
  const tracked = await run("git", ["ls-files", "apps", "argocd", "clusters"]);
  const copied = tracked.split("\n").map((file) => [file, readFileSync(file, "utf8")]);
  await made.commit("first", Object.fromEntries(copied));
  const sources = [
    { path: "clusters/testing/apps" },
    { path: "clusters/testing/apps", kustomize: { components: ["../../local/repository"] } },
    { path: "clusters/testing/argocd" },
    { path: "apps/antaeus/overlays/testing" },
    { path: dirname(overlay) },
  ];
  const none: Awaited<ReturnType<typeof changeOf>>[] = Array(5).fill(undefined);
  const root = none.with(0, "manifests").with(1, "manifests");
  for (const [file, expected] of [
    ["payment-service/src/main.ts", none.with(4, "source")],
    ["packages/service-kit/src/server.ts", none.with(3, "source").with(4, "source")],
    ["package-lock.json", none.with(3, "source").with(4, "source")],
    ["apps/payment/base/service.yaml", none.with(4, "manifests")],
    ["apps/payment/components/known-caller/rollout.yaml", none.with(4, "manifests")],
    ["apps/payment/components/keyless-caller/kustomization.yaml", none],
    [overlay, none.with(4, "manifests")],
    ["apps/payment/overlays/production/kustomization.yaml", none],
    ["clusters/base/namespaces/app-payment/quota.yaml", root],
    ["clusters/base/sync/application.yaml", root],
    ["clusters/repository/kustomization.yaml", root],
    ["clusters/local/repository/kustomization.yaml", none.with(1, "manifests")],
    ["clusters/local/git/server.ts", none],
    ["clusters/testing/apps/payment.yaml", root],
    ["clusters/production/apps/payment.yaml", none],
    ["argocd/projects/payment.yaml", root],
    ["argocd/kustomization.yaml", none.with(2, "manifests")],
    ["argocd/install/server.yaml", none.with(2, "manifests")],
    ["argocd/deployers/teams.yaml", none.with(2, "manifests")],
    ["clusters/testing/argocd/url.yaml", none.with(2, "manifests")],
    ["clusters/production/argocd/url.yaml", none],
    ["README.md", none],
  ] as const) {
    const text = copied.find(([name]) => name === file)?.[1] ?? "";
    const commit = await made.commit(file, { [file]: `${text}\n` });
    const found = sources.map((source) => changeOf(commit, source, made.folder));
    t.deepEqual(await Promise.all(found), [...expected], file);
  }
});

test("the bump of a commit is the first that says an image of it, or of a newer one", async (t) => {
  const made = await clone();
  const one = await change(made, 1);
  const bump = (of: string) => bumpOf(of, "HEAD", overlay, made.folder);
  t.is(await bump(one), undefined);

  // Neither another change of the overlay nor an image of an older commit is one.
  await made.commit("other", { [overlay]: `${overlayWith("1.0.0", 0)}nameSuffix: x\n` });
  await made.bump("payment", await made.git("rev-parse", `${one}^`), digest(9));
  t.is(await bump(one), undefined);

  const two = await change(made, 2);
  const first = await made.bump("payment", two, digest(2));
  const three = await change(made, 3);
  const second = await made.bump("payment", three, digest(3));
  const image = `${imageName}:${await tagOf(two, made.folder)}@${digest(2)}`;
  t.like(await bump(one), { sha: first, image });
  t.like(await bump(two), { sha: first });
  t.like(await bump(three), { sha: second });
});

test("a revert is found, by Git's words and by GitHub's, unless it was reverted", async (t) => {
  const made = await clone();
  const one = await change(made, 1);
  const two = await made.commit("two (#12)", { "README.md": "2" });
  const revertedBy = async (sha: string) => {
    const [commit] = await log(["-1", sha], made.folder);
    return commit && (await revertOf(commit, "HEAD", made.folder))?.sha;
  };
  t.is(await revertedBy(one), undefined);

  const revert = await made.revert(one);
  t.is(await revertedBy(one), revert);
  t.is(await revertedBy(two), undefined);

  const squashed = await made.commit('Revert "two" (#13)\n\nReverts bpesics/pe-gitops#12');
  t.is(await revertedBy(two), squashed);
  t.is(await revertedBy(one), revert, "number 12 alone");

  const again = await made.revert(revert);
  t.is(await revertedBy(one), undefined);
  t.is(await revertedBy(revert), again);
  // Several in one pull request, squashed.
  const [three, four] = [await change(made, 3), await change(made, 4)];
  const words = [four, three].map((sha) => `* Revert it\n\nThis reverts commit ${sha}.`);
  const five = await made.commit("five (#15)", { "README.md": "5" });
  words.push("Reverts bpesics/pe-gitops#99", "Reverts bpesics/pe-gitops#15");
  const both = await made.commit(`Back (#16)\n\n${words.join("\n\n")}`);
  for (const sha of [three, four, five]) t.is(await revertedBy(sha), both);
  // One that speaks of itself ends all the same.
  t.is(await revertedBy(await made.commit("odd (#20)\n\nReverts bpesics/pe-gitops#20")), undefined);
});

test("a file that is moved changes both places", async (t) => {
  const made = await clone();
  await made.git("mv", "payment-service", "antaeus-service");
  const moved = await made.commit("moved");
  for (const service of ["antaeus", "payment"]) {
    const source = { path: `apps/${service}/overlays/testing` };
    t.is(await changeOf(moved, source, made.folder), "source", service);
  }
});

test("a merge changes what it brings to the branch, a first commit everything", async (t) => {
  const made = await clone();
  const antaeus = { path: "apps/antaeus/overlays/testing" };
  const ofPayment = (commit: string) => changeOf(commit, { path: dirname(overlay) }, made.folder);
  const ofAntaeus = (commit: string) => changeOf(commit, antaeus, made.folder);
  t.deepEqual([await ofPayment("HEAD"), await ofAntaeus("HEAD")], ["source", "manifests"]);
  await made.git("checkout", "--quiet", "-b", "side");
  made.write("apps/payment/overlays/testing/a file", "1");
  await made.git("add", "--all");
  await made.git("commit", "--quiet", "--message", "side");
  await made.git("checkout", "--quiet", "main");
  await made.commit("main", { "apps/antaeus/overlays/testing/other": "1" });
  await made.git("merge", "--quiet", "--no-ff", "--no-edit", "side");
  t.deepEqual([await ofPayment("HEAD"), await ofAntaeus("HEAD")], ["manifests", undefined]);
});

// The command itself: Git is real, kubectl prints what a table holds.

const current = { "config current-context": ["test"] };
const cluster = () => {
  const on = fakeProgram("kubectl", current);
  // Without a token, whatever this machine has.
  fakeProgram("gh", {}, on.folder);
  return on;
};
type Answers = Parameters<FakeProgram["set"]>[0][string];

/** A cluster in which the last of the revisions is live, with the image of that digit. */
function runs(
  on: FakeProgram,
  { origin }: WorkingCopy,
  revisions: string[],
  { tag = "1.0.0", digit = 0, fails = [] as Answers } = {},
): void {
  const image = `${imageName}:${tag}@${digest(digit)}`;
  const time = revisions.length * 10;
  const applications = { items: [application(revisions, origin)] };
  on.set({
    ...current,
    "applications.argoproj.io": [...fails.slice(0, 2), applications, ...fails, applications],
    "deployments,pods": [{ items: [deployment(image, time), pod("one"), pod("two")] }],
  });
}

const command = (made: WorkingCopy, { folder }: FakeProgram, env: Record<string, string> = {}) =>
  made.command("live", [], {
    PATH: `${folder}:${process.env.PATH}`,
    HOME: temporary(),
    TIMEOUT: "1",
    ...env,
  });

test.serial("make live follows a commit to the pods", async (t) => {
  const [made, on] = [await clone(), cluster()];
  const first = await made.git("rev-parse", "HEAD");
  const one = await change(made, 1);
  runs(on, made, [first]);

  const [noImage, printed] = await command(made, on);
  t.false(noImage);
  const tag = await tagOf(one, made.folder);
  t.true(printed.includes(`payment is at image: no commit names ${imageName}:${tag} yet`), printed);
  t.regex(printed, /is not live after 1 s/);
  t.notRegex(printed, /at .*\.ts:/);

  // All the rest happens while the command waits.
  const waiting = command(made, on, { TIMEOUT: "60", COMMIT: one.slice(0, 9) });
  const bump = await made.bump("payment", one, digest(1));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  runs(on, made, [first, bump], { tag, digit: 1 });
  const [isLive, all] = await waiting;
  t.true(isLive, all);
  t.regex(all, new RegExp(`✔ image .*${tag}@${digest(1)}`));
  t.regex(all, new RegExp(`✔ bump .* ${bump.slice(0, 7)} payment: ${tag} to testing`));
  t.regex(all, new RegExp(`✔ sync .*Synced, Healthy at ${bump.slice(0, 7)}`));
  t.regex(all, new RegExp(`✔ rollout .*payment: 2 of 2 updated and available, ${digest(1)}`));
  t.regex(all, /\? tests .*not known here: Install gh .*gh auth login/);
  t.regex(all, new RegExp(`✔ ${one.slice(0, 7)} is live, \\d+ s after the commit`));
});

test.serial("make live on a merge of source: the image is of what was merged", async (t) => {
  const [made, on] = [await clone(), cluster()];
  await made.git("checkout", "--quiet", "-b", "side");
  const source = await change(made, 1);
  await made.git("checkout", "--quiet", "-b", "trunk", `${source}^`);
  await made.git("merge", "--quiet", "--no-ff", "--no-edit", "side");
  const merge = await made.push();
  const bump = await made.bump("payment", source, digest(1));
  runs(on, made, [bump], { tag: await tagOf(source, made.folder), digit: 1 });
  const [isLive, printed] = await command(made, on, { COMMIT: merge });
  t.true(isLive, printed);
  t.regex(printed, new RegExp(`✔ bump .* ${bump.slice(0, 7)}`));
});

test.serial(
  "make live on manifests, on documents, and on a commit that is not merged",
  async (t) => {
    const [made, on] = [await clone(), cluster()];
    const manifests = await made.commit("More", { [overlay]: overlayWith("1.0.0", 0).concat("#") });
    runs(on, made, [manifests]);
    const [isLive, printed] = await command(made, on);
    t.true(isLive, printed);
    t.regex(printed, /✔ sync.*\n.*✔ rollout/);
    t.notRegex(printed, /image {2}|bump {2}/);

    const words = await made.commit("Words", { "README.md": "1" });
    const [wordsLive, behind] = await command(made, on);
    t.false(wordsLive);
    t.regex(behind, /payment is at sync: Argo CD is at .*, which does not have it\n.*annotate/);
    runs(on, made, [manifests, words]);
    const [known, document] = await command(made, on);
    t.true(known, document);
    t.notRegex(document, /rollout/);

    await made.git("commit", "--quiet", "--allow-empty", "--message", "draft");
    const [merged, draft] = await command(made, on);
    t.false(merged);
    t.regex(draft, /Not live: \w+ is not merged: main of .* does not have it.\n {2}Merge it/);
  },
);

test.serial("make live says who took a commit back", async (t) => {
  const [made, on] = [await clone(), cluster()];
  const one = await change(made, 1);
  const bump = await made.bump("payment", one, digest(1));
  runs(on, made, [bump], { tag: await tagOf(one, made.folder), digit: 1 });
  t.true((await command(made, on, { COMMIT: one }))[0]);

  const back = await made.revert(bump);
  await made.commit("A value", { [overlay]: `${made.read(overlay)}nameSuffix: x\n` });
  const [isLive, printed] = await command(made, on, { COMMIT: one });
  t.false(isLive);
  t.regex(
    printed,
    new RegExp(`and will not be by itself: .*bump: taken back by ${back.slice(0, 7)}`),
  );

  const short = (await made.revert(one)).slice(0, 7);
  const [, reverted] = await command(made, on, { COMMIT: one });
  t.regex(reverted, new RegExp(`was reverted by ${short} Revert ".*"\\n.*COMMIT=${short}`));
});

test.serial("make live knows a commit that only Argo CD's repository has", async (t) => {
  const [made, on] = [await clone(), cluster()];
  const base = await made.git("rev-parse", "HEAD");
  const tree = await made.git("rev-parse", "HEAD^{tree}");
  const who = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  const inOrigin = (...args: string[]) => run("git", ["-C", made.origin, ...who, ...args]);
  const theirs = await inOrigin("commit-tree", tree, "-p", base, "-m", "theirs");
  await inOrigin("update-ref", "refs/heads/main", theirs);
  runs(on, made, [base, theirs]);
  for (const COMMIT of [theirs, theirs.slice(0, 9)]) {
    const [isLive, printed] = await command(made, on, { COMMIT });
    t.true(isLive, printed);
  }
});

test.serial(
  "make live goes on when the cluster does not answer once, and not for ever",
  async (t) => {
    const [made, on] = [await clone(), cluster()];
    const first = await made.commit("words");
    const failure = { code: 1, stderr: "Unable to connect to the server: EOF" };
    runs(on, made, [first], { fails: [failure, failure, failure] });
    const [isLive, printed] = await command(made, on, { TIMEOUT: "30" });
    t.true(isLive, printed);
    for (const TIMEOUT of ["2", "30"]) {
      runs(on, made, [first], { fails: Array(20).fill(failure) });
      const [isOver, gone] = await command(made, on, { TIMEOUT });
      t.false(isOver);
      t.regex(gone, /✘ No Argo CD answers.*Unable to connect/s);
    }
  },
);

test.serial(
  "make live asks GitHub for the tests, and does without where that is not",
  async (t) => {
    const [made, on] = [await clone(), cluster()];
    const place = "clusters/repository/kustomization.yaml";
    const head = await made.commit("place", { [place]: readFileSync(place, "utf8") });
    runs(on, made, [head]);
    const ends = { status: "completed", conclusion: "success", completed_at: at(0) };
    const check_runs = ["test", "cluster"].map((name) => ({ name, ...ends }));
    const asked = `repos/bpesics/pe-gitops/commits/${head}/check-runs`;
    const tests = async (answer: Answers[number]) => {
      fakeProgram("gh", { ...signedIn, [asked]: [answer] }, on.folder);
      return (await command(made, on, { COMMIT: head }))[1];
    };
    t.regex(await tests({ check_runs }), /✔ tests .*\+\d+ s .*test, cluster/);
    const weak = await tests(httpError(403, "Resource not accessible"));
    t.regex(weak, /\? tests .*not known here: .*Checks: read/);
    made.edit(place, "https://github.com/bpesics/pe-gitops.git", "https://git.example.com/x.git");
    const elsewhere = await tests({ check_runs });
    t.regex(elsewhere, /\? tests .*not known here: .*git\.example\.com.*✔ \w+ is live/s);
  },
);

test.serial("make live says what to do when it cannot begin", async (t) => {
  const [made, on] = [await clone(), cluster()];
  runs(on, made, [await made.commit("two")]);
  const shallow = new WorkingCopy();
  await run("git", ["clone", "--quiet", "--depth=1", `file://${made.origin}`, shallow.folder]);
  const outside = new WorkingCopy();
  const [gone, broken] = [await clone(), cluster()];
  runs(broken, gone, [older]);
  rmSync(gone.origin, { recursive: true });
  for (const [where, which, env, advice] of [
    [made, on, { TIMEOUT: "5m" }, /TIMEOUT must be a number of seconds, and is "5m"/],
    [made, on, { COMMIT: "typo" }, /There is no commit typo here: .*git fetch/],
    [made, on, { COMMIT: "--help" }, /There is no commit --help/],
    [made, cluster(), {}, /No Argo CD answers.*make up/],
    [shallow, on, {}, /git fetch --unshallow/],
    [outside, on, {}, /no repository here: clone it, or go to your clone/],
    [gone, broken, {}, /Git cannot read main of what Argo CD reads/],
  ] as const) {
    const [succeeded, printed] = await command(where, which, env);
    t.false(succeeded, printed);
    t.regex(printed, advice);
    t.notRegex(printed, /at .*\.ts:/);
  }
});
