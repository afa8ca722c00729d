import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { bumpOf, changedFiles, readCommit, revertOf } from "../../tools/delivery/history.ts";
import {
  concerns,
  type Deployment,
  type Pod,
  type Running,
  type Share,
  stepsOf,
  testsStep,
} from "../../tools/delivery/tracking.ts";
import { tagOf } from "../../tools/images/images.ts";
import type { Application } from "../../tools/kubernetes/cluster.ts";

const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(root, { recursive: true }));
const temporary = () => mkdtempSync(join(root, "folder-"));

const digest = (digit: number) => `sha256:${String(digit).repeat(64)}`;
const imageName = "ghcr.io/bpesics/pe-payment";
const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const overlayWith = (tag: string, digit: number) =>
  `images:\n  - name: ${imageName}\n    newTag: ${tag}\n    digest: ${digest(digit)}\n`;

// What the cluster says, in the form that kubectl prints it, of an Application whose newest commit is live.

// After the commits that the tests make, in whole seconds.
const begin = Math.floor(Date.now() / 1000) + 300;
const at = (second: number) => new Date((begin + second) * 1000).toISOString();

/** @param revisions what was deployed, the newest last; the last one is synced */
function application(revisions: string[], repoURL = ""): Application {
  return {
    metadata: { name: "payment" },
    spec: {
      source: { repoURL, path: dirname(overlay), targetRevision: "main" },
      syncPolicy: { automated: {} },
    },
    status: {
      sync: { status: "Synced", revision: revisions.at(-1) as string },
      health: { status: "Healthy" },
      operationState: {
        phase: "Succeeded",
        message: "successfully synced (all tasks run)",
        operation: { sync: { revision: revisions.at(-1) as string } },
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

/** @param second when its last rollout was over */
function deployment(image: string, second: number): Deployment {
  return {
    metadata: { name: "payment", namespace: "app-payment", generation: 4 },
    spec: {
      replicas: 2,
      selector: { matchLabels: { "app.kubernetes.io/name": "payment" } },
      template: { spec: { containers: [{ image }] } },
    },
    status: {
      observedGeneration: 4,
      replicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      conditions: [
        {
          type: "Progressing",
          reason: "NewReplicaSetAvailable",
          message: 'ReplicaSet "payment-6c9c7" has successfully progressed.',
          lastUpdateTime: at(second),
        },
      ],
    },
  };
}

/** @param second when it got ready */
function pod(name: string, image: string, second: number): Pod {
  return {
    metadata: {
      name,
      namespace: "app-payment",
      labels: { "app.kubernetes.io/name": "payment", "pod-template-hash": "6c9c7" },
    },
    spec: { containers: [{ image }] },
    status: {
      conditions: [
        { type: "Initialized", status: "True", lastTransitionTime: at(0) },
        { type: "Ready", status: "True", lastTransitionTime: at(second) },
      ],
      containerStatuses: [{ state: {} }],
    },
  };
}

const newImage = `${imageName}:new@${digest(2)}`;
const oldImage = `${imageName}:old@${digest(1)}`;

/** Everything as it is when a bump is live that was deployed 10 seconds after the commit before. */
function live(): { share: Share; running: Running } {
  const bump = {
    ...{ sha: "b".repeat(40), time: new Date(at(5)), subject: "payment: new to testing" },
    image: { name: imageName, newTag: "new", digest: digest(2) },
  };
  return {
    share: {
      source: { expected: `${imageName}:new`, bump, image: bump.image },
      revisions: new Set([bump.sha]),
    },
    running: {
      application: application(["a".repeat(40), bump.sha]),
      deployments: [deployment(newImage, 19)],
      pods: [pod("one", newImage, 16), pod("two", newImage, 18)],
    },
  };
}

type Change = (all: ReturnType<typeof live>) => unknown;
const after = (change: Change) => {
  const all = structuredClone(live());
  change(all);
  return stepsOf(all.share, all.running);
};
const states = (change: Change) =>
  after(change)
    .map(({ name, state }) => `${name} ${state}`)
    .join(", ");

test("a bump that is live: each step is done, at its time", (t) => {
  const steps = after(() => {});
  t.deepEqual(
    steps.map(({ name, state, at }) => [name, state, at?.toISOString()]),
    [
      ["image", "done", undefined],
      ["bump", "done", at(5)],
      ["sync", "done", at(11)],
      ["rollout", "done", at(19)],
      ["serving", "done", at(18)],
    ],
  );
  t.is(steps[0]?.what, newImage);
  t.is(steps[4]?.what, `2 pods ready, ${digest(2)}`);
});

test("a change of manifests alone has no image, and one of no pod no rollout", (t) => {
  t.is(
    states(({ share }) => delete share.source),
    "sync done, rollout done, serving done",
  );
  t.is(
    states(({ share, running }) => {
      delete share.source;
      running.deployments = [];
    }),
    "sync done",
  );
});

const status = ({ running }: ReturnType<typeof live>) =>
  running.application.status as NonNullable<Application["status"]>;
const first = <T>(list: T[]) => list[0] as T;

for (const [what, change, expected, words] of [
  [
    "without an image nothing else is looked at",
    ({ share }) => Object.assign(share.source as object, { bump: undefined }),
    "image waiting, bump waiting, sync waiting, rollout waiting, serving waiting",
    /no commit names ghcr.io\/bpesics\/pe-payment:new yet/,
  ],
  [
    "a bump that was taken back is the end",
    ({ share }) =>
      Object.assign(share.source as object, {
        takenBack: { sha: "c".repeat(40), time: new Date(at(30)), subject: "Revert it" },
      }),
    "image done, bump stopped, sync waiting, rollout waiting, serving waiting",
    /taken back by ccccccc Revert it/,
  ],
  [
    "Argo CD that is behind",
    (all) => Object.assign(status(all), { sync: { status: "Synced", revision: "a".repeat(40) } }),
    "image done, bump done, sync waiting, rollout waiting, serving waiting",
    /Argo CD is at aaaaaaa, which does not have it/,
  ],
  [
    "OutOfSync, a sync under way",
    (all) => {
      Object.assign(status(all).sync as object, { status: "OutOfSync" });
      Object.assign(status(all).operationState as object, {
        phase: "Running",
        message: "one or more synchronization tasks are not valid. Retrying attempt #1",
      });
    },
    "image done, bump done, sync waiting, rollout waiting, serving waiting",
    /^OutOfSync at bbbbbbb: one or more .* Retrying attempt #1$/,
  ],
  [
    "a sync of it that failed is the end",
    (all) => {
      Object.assign(status(all).sync as object, { status: "OutOfSync" });
      Object.assign(status(all).operationState as object, {
        phase: "Failed",
        message: "forbidden",
      });
    },
    "image done, bump done, sync stopped, rollout waiting, serving waiting",
    /sync Failed: forbidden/,
  ],
  [
    "a sync that failed before it came is not",
    (all) => {
      const older = { sync: { revision: "a".repeat(40) } };
      Object.assign(status(all).sync as object, { status: "OutOfSync" });
      Object.assign(status(all).operationState as object, { phase: "Failed", operation: older });
    },
    "image done, bump done, sync waiting, rollout waiting, serving waiting",
    /^OutOfSync at bbbbbbb$/,
  ],
  [
    "manifests that do not render",
    (all) =>
      Object.assign(status(all), {
        sync: { status: "Unknown", revision: "b".repeat(40) },
        conditions: [{ type: "ComparisonError", message: "no such file: ../../basement" }],
      }),
    "image done, bump done, sync waiting, rollout waiting, serving waiting",
    /ComparisonError: no such file: ..\/..\/basement/,
  ],
  [
    "rolled back by the button",
    (all) => {
      const { spec } = all.running.application;
      Object.assign(spec as object, { syncPolicy: { automated: { enabled: false } } });
      Object.assign(status(all).sync as object, { status: "OutOfSync" });
      status(all).history?.push({ id: 2, revision: "a".repeat(40), deployedAt: at(40) });
    },
    "image done, bump done, sync stopped, rollout waiting, serving waiting",
    /auto-sync is off: what runs is of aaaaaaa/,
  ],
  [
    "a Deployment that its controller has not seen",
    ({ running }) => Object.assign(first(running.deployments).metadata, { generation: 5 }),
    "image done, bump done, sync done, rollout waiting, serving waiting",
    /payment: 0 of 2 updated/,
  ],
  [
    "a rollout under way, whose new pod cannot be pulled",
    ({ running }) => {
      Object.assign(first(running.deployments).status, { updatedReplicas: 1, replicas: 3 });
      const why = { reason: "ImagePullBackOff", message: "not found" };
      first(running.pods).status.containerStatuses = [{ state: { waiting: why } }];
    },
    "image done, bump done, sync done, rollout waiting, serving waiting",
    /payment: 1 of 2 updated; ImagePullBackOff: not found/,
  ],
  [
    "a rollout that ran out of time is the end",
    ({ running }) => {
      const late = { type: "Progressing", reason: "ProgressDeadlineExceeded", message: "too late" };
      first(running.deployments).status.conditions = [{ ...late, lastUpdateTime: at(99) }];
    },
    "image done, bump done, sync done, rollout stopped, serving waiting",
    /too late/,
  ],
  [
    "a Deployment with another image than Git",
    ({ running }) =>
      Object.assign(first(running.deployments).spec.template.spec, {
        containers: [{ image: oldImage }],
      }),
    "image done, bump done, sync done, rollout waiting, serving waiting",
    /is .*:old@.*, and should be .*:new@/,
  ],
  [
    "a pod that is not ready",
    ({ running }) => {
      first(running.pods).status.conditions = [
        { type: "Ready", status: "False", lastTransitionTime: at(50) },
      ];
    },
    "image done, bump done, sync done, rollout done, serving waiting",
    /1 of 2 pods of payment are ready and run it/,
  ],
  [
    "a pod with another image",
    ({ running }) => Object.assign(first(running.pods).spec, { containers: [{ image: oldImage }] }),
    "image done, bump done, sync done, rollout done, serving waiting",
    /1 of 2 pods of payment are ready and run it/,
  ],
  [
    "a pod on its way out does not count",
    ({ running }) =>
      Object.assign(first(running.pods).metadata, { deletionTimestamp: at(50) }) &&
      running.pods.push(pod("three", newImage, 17)),
    "image done, bump done, sync done, rollout done, serving done",
    /./,
  ],
  [
    "nor do pods of somebody else",
    ({ running }) => {
      const other = pod("other", oldImage, 17);
      other.metadata.labels = { "app.kubernetes.io/name": "shell" };
      running.pods.push(other);
    },
    "image done, bump done, sync done, rollout done, serving done",
    /./,
  ],
] as [string, Change, string, RegExp][]) {
  test(what, (t) => {
    t.is(states(change), expected);
    t.regex(after(change).find(({ state }) => state !== "done")?.what ?? "done", words);
  });
}

test("times that are another commit's are left out", (t) => {
  const times = (change: Change) =>
    Object.fromEntries(after(change).map(({ name, at }) => [name, at?.toISOString()]));
  const newer = times((all) => {
    status(all).history?.push({ id: 2, revision: "d".repeat(40), deployedAt: at(30) });
    all.share.revisions.add("d".repeat(40));
  });
  t.like(newer, { sync: at(11), rollout: undefined, serving: undefined });

  const forgotten = times((all) => {
    status(all).history = [{ id: 12, revision: "b".repeat(40), deployedAt: at(11) }];
  });
  t.like(forgotten, { sync: undefined, rollout: undefined, serving: undefined });

  // The pods ran on: it was live when it was synced.
  const noRollout = times(({ running }) => {
    running.deployments = [deployment(newImage, 2)];
    running.pods = [pod("one", newImage, 1), pod("two", newImage, 2)];
  });
  t.like(noRollout, { rollout: at(11), serving: at(11) });

  const replaced = times(({ running }) => running.pods.splice(0, 1, pod("new", newImage, 55)));
  t.is(replaced.serving, at(19), "a pod that came later replaces one that had been ready");
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
  for (const bad of ["failure", "cancelled", "timed_out", "action_required"]) {
    t.like(testsStep([check("test", "success"), check("cluster", bad)]), {
      ...{ state: "stopped", what: "failed: cluster" },
    });
  }
});

test("which Applications a commit concerns", (t) => {
  const paths = [
    "clusters/testing/apps",
    "clusters/testing/argocd",
    "apps/antaeus/overlays/testing",
    dirname(overlay),
  ];
  for (const [file, expected] of [
    ["payment-service/src/main.ts", [undefined, undefined, undefined, "source"]],
    ["packages/service-kit/src/server.ts", [undefined, undefined, "source", "source"]],
    ["package-lock.json", [undefined, undefined, "source", "source"]],
    ["apps/payment/base/service.yaml", [undefined, undefined, undefined, "manifests"]],
    [
      "apps/payment/overlays/testing/kustomization.yaml",
      [undefined, undefined, undefined, "manifests"],
    ],
    [
      "apps/payment/overlays/production/kustomization.yaml",
      [undefined, undefined, undefined, undefined],
    ],
    [
      "clusters/base/namespaces/app-payment/quota.yaml",
      ["manifests", undefined, undefined, undefined],
    ],
    ["clusters/testing/apps/payment.yaml", ["manifests", undefined, undefined, undefined]],
    ["clusters/production/apps/payment.yaml", [undefined, undefined, undefined, undefined]],
    ["argocd/projects/payment.yaml", ["manifests", undefined, undefined, undefined]],
    ["argocd/install/server.yaml", [undefined, "manifests", undefined, undefined]],
    ["clusters/testing/argocd/url.yaml", [undefined, "manifests", undefined, undefined]],
    ["clusters/production/argocd/url.yaml", [undefined, undefined, undefined, undefined]],
    ["README.md", [undefined, undefined, undefined, undefined]],
  ] as const) {
    t.deepEqual(
      paths.map((path) => concerns(path, [file])),
      [...expected],
      file,
    );
  }
});

// With Git, in repositories made here.

/** A clone and the repository that Argo CD reads. */
class Clone {
  readonly folder = temporary();
  readonly origin = temporary();

  static async make(): Promise<Clone> {
    const clone = new Clone();
    await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", clone.origin]);
    await run("git", ["init", "--quiet", "--initial-branch=main", clone.folder]);
    for (const service of ["antaeus", "payment"]) {
      clone.write(`apps/${service}/overlays/testing/kustomization.yaml`, overlayWith("1.0.0", 0));
    }
    await clone.commit("first", { "payment-service/main.ts": "0" });
    return clone;
  }

  git(...args: string[]): Promise<string> {
    const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    return run("git", ["-C", this.folder, ...author, ...args]);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  async commit(message: string, files: Record<string, string>): Promise<string> {
    for (const [file, text] of Object.entries(files)) this.write(file, text);
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.push();
  }

  async push(): Promise<string> {
    await this.git("push", "--quiet", "--force", this.origin, "HEAD:main");
    return this.git("rev-parse", "HEAD");
  }

  async bump(source: string, digit: number): Promise<string> {
    const tag = await tagOf(source, this.folder);
    return this.commit(`payment: ${tag} to testing`, { [overlay]: overlayWith(tag, digit) });
  }

  async revertOf(commit: string): Promise<string | undefined> {
    return (await revertOf(await readCommit(commit, this.folder), "HEAD", this.folder))?.sha;
  }
}

test("the bump of a commit is the first that names an image of it, or of a newer one", async (t) => {
  const clone = await Clone.make();
  const one = await clone.commit("one", { "payment-service/main.ts": "1" });
  const bump = (of: string) => bumpOf(of, "HEAD", overlay, clone.folder);
  t.is(await bump(one), undefined);

  // Neither another change of the overlay nor an image of an older commit is one.
  await clone.commit("other", { [overlay]: `${overlayWith("1.0.0", 0)}nameSuffix: x\n` });
  await clone.bump(await clone.git("rev-parse", `${one}^`), 9);
  t.is(await bump(one), undefined);

  const two = await clone.commit("two", { "payment-service/main.ts": "2" });
  const bumped = await clone.bump(two, 2);
  const three = await clone.commit("three", { "payment-service/main.ts": "3" });
  await clone.bump(three, 3);
  t.like(await bump(one), { sha: bumped, image: { digest: digest(2) } });
  t.like(await bump(two), { sha: bumped });
  t.like(await bump(three), { image: { digest: digest(3) } });
});

test("a revert is found, by Git's words and by GitHub's, unless it was reverted", async (t) => {
  const clone = await Clone.make();
  const one = await clone.commit("one", { "payment-service/main.ts": "1" });
  const two = await clone.commit("two (#12)", { "README.md": "2" });
  t.is(await clone.revertOf(one), undefined);

  await clone.git("revert", "--no-edit", one);
  const revert = await clone.push();
  t.is(await clone.revertOf(one), revert);
  t.is(await clone.revertOf(two), undefined);

  const squashed = await clone.commit('Revert "two" (#13)\n\nReverts bpesics/pe-gitops#12', {});
  t.is(await clone.revertOf(two), squashed);
  t.is(await clone.revertOf(one), revert, "number 12 alone");

  await clone.git("revert", "--no-edit", revert);
  t.is(await clone.revertOf(one), undefined);
  t.is(await clone.revertOf(revert), await clone.git("rev-parse", "HEAD"));
  // One that speaks of itself ends all the same.
  const odd = await clone.commit("odd (#20)\n\nReverts bpesics/pe-gitops#20", {});
  t.is(await clone.revertOf(odd), undefined);
});

test("a merge changes what it brings to the branch, a first commit everything", async (t) => {
  const clone = await Clone.make();
  t.is((await changedFiles(await clone.git("rev-parse", "HEAD"), clone.folder)).length, 3);
  await clone.git("checkout", "--quiet", "-b", "side");
  await clone.commit("side", { "apps/payment/a file": "1" });
  await clone.git("checkout", "--quiet", "main");
  await clone.commit("main", { "README.md": "1" });
  await clone.git("merge", "--quiet", "--no-ff", "--no-edit", "side");
  t.deepEqual(await changedFiles("HEAD", clone.folder), ["apps/payment/a file"]);
});

// The command itself: Git is real, kubectl prints what a folder holds.

interface Cluster {
  bin: string;
  set(running: Running): void;
}

function cluster(): Cluster {
  const bin = temporary();
  const script = `#!/bin/sh
case "$*" in
  "config current-context") echo test ;;
  *applications.argoproj.io*) cat ${bin}/applications ;;
  *deployments,pods*) cat ${bin}/pods ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;
  writeFileSync(join(bin, "kubectl"), script);
  chmodSync(join(bin, "kubectl"), 0o755);
  return {
    bin,
    set({ application, deployments, pods }) {
      // Renamed into place: the command may be reading.
      const write = (name: string, items: unknown[]) => {
        writeFileSync(join(bin, `${name}.new`), JSON.stringify({ items }));
        renameSync(join(bin, `${name}.new`), join(bin, name));
      };
      write("applications", [application]);
      write("pods", [...deployments, ...pods]);
    },
  };
}

/** Runs make live's script to its end. @returns whether it succeeded, and all that it printed */
async function command(
  { folder }: Clone,
  { bin }: Cluster,
  env: Record<string, string> = {},
): Promise<[boolean, string]> {
  const PATH = `${bin}:${process.env.PATH}`;
  const all = { PATH, HOME: temporary(), TIMEOUT: "1", GITHUB_TOKEN: "", ...env };
  return run(process.execPath, [resolve("tools/commands/live.ts")], {
    cwd: folder,
    env: all,
    both: true,
  }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** A cluster in which the last of the revisions is live, with the image of that digit. */
function runs(on: Cluster, { origin }: Clone, revisions: string[], tag: string, digit: number) {
  const image = `${imageName}:${tag}@${digest(digit)}`;
  const time = revisions.length * 10;
  on.set({
    application: application(revisions, origin),
    deployments: [deployment(image, time)],
    pods: [pod("one", image, time), pod("two", image, time)],
  });
}

test.serial("make live follows a commit to the pods", async (t) => {
  const [clone, on] = [await Clone.make(), cluster()];
  const first = await clone.git("rev-parse", "HEAD");
  const one = await clone.commit("Refuse negative amounts", { "payment-service/main.ts": "1" });
  runs(on, clone, [first], "1.0.0", 0);

  const [noImage, printed] = await command(clone, on);
  t.false(noImage);
  const tag = await tagOf(one, clone.folder);
  t.true(printed.includes(`payment is at image: no commit names ${imageName}:${tag} yet`), printed);
  t.regex(printed, /is not live after 1 s/);
  t.notRegex(printed, /at .*\.ts:/);

  // All the rest happens while the command waits.
  const waiting = command(clone, on, { TIMEOUT: "60", COMMIT: one.slice(0, 9) });
  const bump = await clone.bump(one, 1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  runs(on, clone, [first, bump], tag, 1);
  const [isLive, all] = await waiting;
  t.true(isLive, all);
  t.regex(all, new RegExp(`✔ image .*${tag}@${digest(1)}`));
  t.regex(all, new RegExp(`✔ bump .* ${bump.slice(0, 7)} payment: ${tag} to testing`));
  t.regex(all, new RegExp(`✔ sync .*Synced, Healthy at ${bump.slice(0, 7)}`));
  t.regex(all, /✔ rollout .*payment: 2 of 2 updated/);
  t.regex(all, new RegExp(`✔ serving .*2 pods ready, ${digest(1)}`));
  t.regex(all, /\? tests .*not known here: GITHUB_TOKEN/);
  t.regex(all, new RegExp(`✔ ${one.slice(0, 7)} is live, \\d+ s after the commit`));
});

test.serial(
  "make live on manifests, on documents, and on a commit that is not merged",
  async (t) => {
    const [clone, on] = [await Clone.make(), cluster()];
    const manifests = await clone.commit("More", { "apps/payment/base/service.yaml": "1" });
    runs(on, clone, [manifests], "1.0.0", 0);
    const [isLive, printed] = await command(clone, on);
    t.true(isLive, printed);
    t.regex(printed, /✔ sync.*\n.*✔ rollout.*\n.*✔ serving/);
    t.notRegex(printed, /image {2}|bump {2}/);

    await clone.commit("Words", { "README.md": "1" });
    const [wordsLive, words] = await command(clone, on);
    t.false(wordsLive);
    t.regex(words, /payment is at sync: Argo CD is at .*, which does not have it\n.*annotate/);
    runs(on, clone, [manifests, await clone.git("rev-parse", "HEAD")], "1.0.0", 0);
    const [known, document] = await command(clone, on);
    t.true(known, document);
    t.notRegex(document, /rollout|serving/);

    await clone.git("commit", "--quiet", "--allow-empty", "--message", "draft");
    const [merged, draft] = await command(clone, on);
    t.false(merged);
    t.regex(draft, /Not live: \w+ is not merged: main of .* does not have it.\n {2}Merge it/);
  },
);

test.serial("make live says who took a commit back", async (t) => {
  const [clone, on] = [await Clone.make(), cluster()];
  const one = await clone.commit("one", { "payment-service/main.ts": "1" });
  const bump = await clone.bump(one, 1);
  runs(on, clone, [bump], await tagOf(one, clone.folder), 1);
  t.true((await command(clone, on, { COMMIT: one }))[0]);

  await clone.git("revert", "--no-edit", bump);
  const back = await clone.push();
  const [isLive, printed] = await command(clone, on, { COMMIT: one });
  t.false(isLive);
  t.regex(
    printed,
    new RegExp(`and will not be by itself: .*bump: taken back by ${back.slice(0, 7)}`),
  );

  await clone.git("revert", "--no-edit", one);
  const revert = await clone.push();
  const [, reverted] = await command(clone, on, { COMMIT: one });
  const short = revert.slice(0, 7);
  t.regex(reverted, new RegExp(`was reverted by ${short} Revert "one"\\n.*COMMIT=${short}`));
});

test.serial("make live knows a commit that only Argo CD's repository has", async (t) => {
  const [clone, on] = [await Clone.make(), cluster()];
  const base = await clone.git("rev-parse", "HEAD");
  const elsewhere = temporary();
  await run("git", ["clone", "--quiet", clone.origin, elsewhere]);
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  const git = (...args: string[]) => run("git", ["-C", elsewhere, ...author, ...args]);
  await git("commit", "--quiet", "--allow-empty", "--message", "theirs");
  await git("push", "--quiet");
  const theirs = await git("rev-parse", "HEAD");
  runs(on, clone, [base, theirs], "1.0.0", 0);
  for (const COMMIT of [theirs, theirs.slice(0, 9)]) {
    const [isLive, printed] = await command(clone, on, { COMMIT });
    t.true(isLive, printed);
  }
});

test.serial("make live asks GitHub for the tests", async (t) => {
  const [clone, on] = [await Clone.make(), cluster()];
  const head = await clone.git("rev-parse", "HEAD");
  runs(on, clone, [head], "1.0.0", 0);
  const place = "clusters/repository/kustomization.yaml";
  clone.write(place, readFileSync(place, "utf8"));
  const api = await gitHub(t, `/repos/bpesics/pe-gitops/commits/${head}/check-runs`);
  const env = { GITHUB_API_URL: api, COMMIT: head };
  t.regex(
    (await command(clone, on, { ...env, GITHUB_TOKEN: "good" }))[1],
    /✔ tests .*\+\d+ s .*test, cluster/,
  );
  const refused = (await command(clone, on, { ...env, GITHUB_TOKEN: "weak" }))[1];
  t.regex(refused, /\? tests .*not known here: .*Checks: read/);
});

/** GitHub, which knows the checks of one commit. */
async function gitHub(t: ExecutionContext, path: string): Promise<string> {
  const server = createServer((request, response) => {
    const isGood = request.headers.authorization === "Bearer good";
    const isThere = request.url?.split("?")[0] === path;
    response.writeHead(isGood && isThere ? 200 : 403, { "content-type": "application/json" });
    const done = { status: "completed", conclusion: "success" };
    const completed_at = new Date(Date.now() + 5000).toISOString();
    const check_runs = ["test", "cluster"].map((name) => ({ name, ...done, completed_at }));
    response.end(JSON.stringify({ total_count: 2, check_runs }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.serial("make live says what to do when it cannot begin", async (t) => {
  const [clone, on] = [await Clone.make(), cluster()];
  runs(on, clone, [await clone.git("rev-parse", "HEAD")], "1.0.0", 0);
  const shallow = new Clone();
  await clone.commit("two", {});
  await run("git", ["clone", "--quiet", "--depth=1", `file://${clone.origin}`, shallow.folder]);
  const outside = new Clone();
  const gone = await Clone.make();
  const broken = cluster();
  runs(broken, gone, ["a".repeat(40)], "1.0.0", 0);
  rmSync(gone.origin, { recursive: true });
  for (const [where, which, env, advice] of [
    [clone, on, { TIMEOUT: "5m" }, /TIMEOUT must be a number of seconds, and is "5m"/],
    [clone, on, { COMMIT: "typo" }, /There is no commit typo: .*git fetch/],
    [clone, on, { COMMIT: "--help" }, /There is no commit --help/],
    [clone, cluster(), {}, /No Argo CD answers.*make up/],
    [shallow, on, {}, /git fetch --unshallow/],
    [outside, on, {}, /no Git repository here/],
    [gone, broken, {}, /Git cannot read main of what Argo CD reads/],
  ] as const) {
    const [succeeded, printed] = await command(where, which, env);
    t.false(succeeded, printed);
    t.regex(printed, advice);
    t.notRegex(printed, /at .*\.ts:/);
  }
});
