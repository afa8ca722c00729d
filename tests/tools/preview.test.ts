import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { pinned } from "../../tools/cli/pinned-tools.ts";
import { owner } from "../support/owner.ts";
import { valuesFile } from "../support/share.ts";

const tracked = (
  await run("git", [
    "ls-files",
    "apps",
    "argocd",
    "clusters",
    ".github/CODEOWNERS",
    ".tool-versions",
  ])
).split("\n");

const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];

/** A Git repository made of this one's manifests: without Argo CD's release, which is large. */
class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  /** Where programs stand before all others. */
  readonly programs = join(this.folder, "report");

  /** With one environment, unless asked for all. */
  static async make(t: ExecutionContext, { all = false } = {}): Promise<Repository> {
    const made = new Repository();
    t.teardown(() => rmSync(made.folder, { recursive: true }));
    for (const file of tracked) {
      mkdirSync(join(made.folder, dirname(file)), { recursive: true });
      cpSync(file, join(made.folder, file));
    }
    symlinkSync(resolve(".tools"), join(made.folder, ".tools"));
    writeFileSync(join(made.folder, ".gitignore"), ".tools\nreport\n");
    made.edit("argocd/kustomization.yaml", "  - install\n", "");
    for (const folder of all ? [] : ["clusters/production", "clusters/local/production"])
      rmSync(join(made.folder, folder), { recursive: true });
    await run("git", ["init", "--quiet", "--initial-branch=main", made.folder]);
    await made.commit();
    await made.git("checkout", "--quiet", "-b", "change");
    return made;
  }

  git(...args: string[]): Promise<string> {
    return run("git", ["-C", this.folder, ...author, ...args]);
  }

  async commit(): Promise<void> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", "a change");
  }

  /** Commits to main, as if it had been reviewed. */
  async merge(): Promise<void> {
    await this.commit();
    await this.git("branch", "--force", "main");
  }

  /** Replaces a part of a file, which must be there. */
  edit(file: string, from: string, to: string): void {
    const text = readFileSync(join(this.folder, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    this.write(
      file,
      text.replace(from, () => to),
    );
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Takes a file away, and its line in the kustomization beside it. */
  remove(file: string): void {
    this.edit(join(dirname(file), "kustomization.yaml"), `  - ${basename(file)}\n`, "");
    rmSync(join(this.folder, file));
  }

  append(file: string, text: string): void {
    appendFileSync(join(this.folder, file), text);
  }

  /** @returns whether the command succeeded, all that it printed, and the comment */
  async preview(options: NodeJS.ProcessEnv = {}): Promise<[boolean, string, string]> {
    const PATH = `${this.programs}:${process.env.PATH}`;
    const env = { ...process.env, GITHUB_STEP_SUMMARY: "", PATH, ...options };
    const [succeeded, printed] = await run(
      process.execPath,
      [resolve("tools/commands/preview.ts")],
      { cwd: this.folder, env, both: true },
    ).then(
      (output) => [true, output] as const,
      (error: Error) => [false, error.message] as const,
    );
    const file = join(this.folder, "report/preview.md");
    return [
      succeeded,
      printed,
      succeeded || /render/.test(printed) ? readFileSync(file, "utf8") : "",
    ];
  }
}

/** The preview of a change to this repository. */
async function preview(t: ExecutionContext, change: (made: Repository) => void): Promise<string> {
  const made = await Repository.make(t);
  change(made);
  await made.commit();
  const [succeeded, printed, comment] = await made.preview();
  t.true(succeeded, printed);
  return comment;
}

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const kustomization = "apps/payment/base/kustomization.yaml";
const service = "apps/payment/base/service.yaml";
const application = "clusters/testing/apps/payment.yaml";
/** Of the platform, where other kinds are allowed than in apps/. */
const namespace = "clusters/base/namespaces/app-payment";
const quota = `${namespace}/quota.yaml`;
const applications = "clusters/testing/apps/kustomization.yaml";

/** Another image of payment's. */
function bump(made: Repository): void {
  const text = readFileSync(join(made.folder, overlay), "utf8");
  made.write(overlay, text.replace(/newTag: .*/, "newTag: 1.2.3").replace(/ +digest: .*\n/, ""));
}

/** The row of a source in the table: its owners, and how many objects are created, changed and so on. */
const row = (comment: string, name: string): string[] =>
  new RegExp(`^\\| ${name} \\| (.*) \\|$`, "m").exec(comment)?.[1]?.split(" | ") ?? [];

// The probe of a release is of its image, too.
test("an image that is bumped restarts its pods, and its team owns it", async (t) => {
  const comment = await preview(t, (made) => bump(made));
  t.deepEqual(row(comment, "testing/payment"), [`\`@${owner}/payment\``, "–", "2", "–", "1", ""]);
  t.regex(
    comment,
    /\*\*Restarted\*\*\n\n- `Rollout app-payment\/payment` \(testing\/payment\): image ghcr\.io\/[\w/-]+\/payment:1\.2\.3\n/,
  );
  t.regex(comment, /^-.*\/payment[:@].*$/m);
  t.regex(comment, /^\+.*\/payment:1\.2\.3$/m);
  t.true(comment.includes(`To be approved by \`@${owner}/payment\`.`));
  t.notRegex(comment, /testing\/antaeus|testing\/root|Permissions|Deleted|Created/);
});

test("a value that changes is one change, and restarts the pods, which names it", async (t) => {
  const comment = await preview(t, (made) => made.edit(valuesFile, 'value: "0.5"', 'value: "0.7"'));
  t.deepEqual(row(comment, "testing/payment").slice(1, 5), ["–", "1", "–", "1"]);
  t.regex(comment, /^- `Rollout app-payment\/payment` .*: another value of ACCEPTANCE&#95;SHARE$/m);
  t.regex(comment, /^-\s+value: "0.5"\n\+\s+value: "0.7"$/m);
});

test("every environment is shown, and those that a change does not reach are not", async (t) => {
  const labels = "labels:\n  - pairs:\n      app.kubernetes.io/part-of: invoices\n";
  for (const [file, before, reached] of [
    [overlay, "images:\n", ["testing/payment"]],
    [kustomization, "labels:\n", ["production/payment", "testing/payment"]],
  ] as const) {
    const made = await Repository.make(t, { all: true });
    made.edit(file, before, before === "labels:\n" ? labels : `${labels}${before}`);
    await made.commit();
    const [succeeded, printed, comment] = await made.preview();
    t.true(succeeded, printed);
    t.deepEqual(
      [...comment.matchAll(/<summary>(\S+): /g)].map(([, name]) => name),
      [...reached],
    );
  }
});

test("what no cluster gets changes nothing, and says so", async (t) => {
  const comment = await preview(t, (made) => {
    made.append(service, "# a comment\n");
    made.write("docs.md", "text\n");
  });
  t.regex(comment, /Nothing changes on any cluster\./);
  t.notRegex(comment, /<details>/);
});

test("what came to main since is not the change's doing", async (t) => {
  const made = await Repository.make(t);
  bump(made);
  await made.commit();
  await made.git("checkout", "--quiet", "main");
  made.edit("apps/antaeus/overlays/testing/deployment.yaml", '"25"', '"26"');
  await made.commit();
  const [, , comment] = await made.preview({ HEAD: "change" });
  t.deepEqual(row(comment, "testing/payment").slice(1, 5), ["–", "2", "–", "1"]);
  t.notRegex(comment, /testing\/antaeus/);
});

test("what a change does not reach is not rendered, however many services there are", async (t) => {
  const made = await Repository.make(t);
  const patch = "apps/antaeus/overlays/testing/deployment.yaml";
  const broken = ["  name: antaeus\n", "  name: antaeus-other\n"] as const;
  await made.git("checkout", "--quiet", "main");
  made.edit(patch, ...broken);
  await made.commit();
  await made.git("checkout", "--quiet", "change");
  await made.git("reset", "--quiet", "--hard", "main");
  bump(made);
  await made.commit();
  const [succeeded, printed, comment] = await made.preview();
  t.true(succeeded, printed);
  t.is(row(comment, "testing/payment")[2], "2");

  // The control: what a change does reach.
  made.append(patch, "# a comment\n");
  await made.commit();
  const [fails, , shown] = await made.preview();
  t.false(fails);
  t.regex(shown, /\*\*testing\/antaeus does not render/);
});

test("deletions come first: what is deleted, what stays and why, what loses data", async (t) => {
  const comment = await preview(t, (made) => {
    made.remove("apps/antaeus/base/volume.yaml");
    made.remove("apps/antaeus/base/service.yaml");
  });
  t.deepEqual(row(comment, "testing/antaeus").slice(1, 5), ["–", "–", "2", "–"]);
  t.regex(comment, /^- `PersistentVolumeClaim app-antaeus\/antaeus` .*: stays: Prune=false$/m);
  t.regex(comment, /^- `Service app-antaeus\/antaeus` .*: is deleted$/m);
  t.notRegex(comment, /loses data/);
  const lines = comment.split("\n").filter((line) => line.startsWith("**"));
  t.is(lines[0], "**Deleted**");

  // The control: without the annotation the invoices are gone.
  const made = await Repository.make(t);
  made.edit("apps/antaeus/base/volume.yaml", "Prune=false,Delete=false", "Delete=false");
  await made.merge();
  made.remove("apps/antaeus/base/volume.yaml");
  await made.commit();
  const [, , gone] = await made.preview();
  t.regex(gone, /\*\*Fails, or loses data\*\*\n\n- `PersistentVolumeClaim app-antaeus\/antaeus`/);
});

test("what touches permissions, the network or the whole cluster is highlighted, with its owner", async (t) => {
  const comment = await preview(t, (made) => {
    made.edit(`${namespace}/namespace.yaml`, "enforce: restricted", "enforce: privileged");
    made.edit("clusters/testing/api-server/kustomization.yaml", "port: 6443", "port: 443");
    made.edit(`${namespace}/deployer.yaml`, "name: argocd-deployer-team", "name: cluster-admin");
    made.edit("argocd/projects/payment.yaml", "namespace: app-payment", 'namespace: "*"');
  });
  t.is(row(comment, "testing/root")[0], `\`@${owner}/platform\``);
  for (const line of [
    "`Namespace app-payment` (testing/root): changed; cluster-wide",
    "`NetworkPolicy app-payment/payment-to-api-server` (testing/root): changed; network",
    "`RoleBinding app-payment/argocd-deployer` (testing/root): changed; permissions",
    "`RoleBinding app-payment/argocd-deployer` (testing/root): Kubernetes refuses it: roleRef cannot change",
    "`AppProject argocd/payment` (testing/root): changed; permissions",
  ]) {
    t.true(comment.includes(`- ${line}\n`), line);
  }
});

test("a door that a Service opens is highlighted", async (t) => {
  const made = await Repository.make(t);
  const door = "  type: NodePort\n";
  made.edit("apps/antaeus/base/service.yaml", door, "");
  made.edit("apps/antaeus/base/service.yaml", "      nodePort: 30008\n", "");
  await made.merge();
  made.edit("apps/antaeus/base/service.yaml", "spec:\n", `spec:\n${door}`);
  await made.commit();
  const [, , comment] = await made.preview();
  t.regex(comment, /^- `Service app-antaeus\/antaeus` .*: changed; network$/m);
});

test("an Application that is new brings its objects, and one that is removed leaves them", async (t) => {
  const added = await preview(t, (made) => {
    made.write(
      "clusters/testing/apps/other.yaml",
      readFileSync(join(made.folder, application), "utf8").replace("name: payment", "name: other"),
    );
    made.edit(applications, "  - payment.yaml\n", "  - payment.yaml\n  - other.yaml\n");
  });
  t.regex(
    row(added, "testing/other").join(),
    /^`@[\w-]+\/payment`,[1-9]\d*,–,–,–,The Application is new\.$/,
  );
  t.deepEqual(row(added, "testing/root").slice(1, 5), ["1", "–", "–", "–"]);

  const remove = (made: Repository) => made.edit(applications, "  - payment.yaml\n", "");
  const removed = await preview(t, remove);
  t.regex(
    row(removed, "testing/payment").join(),
    /–,–,–,–,.* removed\. Its \d+ objects go on running/,
  );
  t.regex(removed, /^- `Application argocd\/payment` .*: is deleted$/m);

  const made = await Repository.make(t);
  made.edit(
    application,
    "  namespace: argocd\n",
    "  namespace: argocd\n  finalizers: [resources-finalizer.argocd.argoproj.io]\n",
  );
  await made.commit();
  remove(made);
  await made.commit();
  const [, , cascades] = await made.preview({ BASE: "HEAD~1" });
  t.regex(row(cascades, "testing/payment").join(), /–,–,[1-9]\d*,–,.* its \d+ objects with it/);
  t.regex(cascades, /^- `Rollout app-payment\/payment` .*: is deleted$/m);
});

/** Kustomize takes no object twice. */
const twice = ["  - service.yaml\n", "  - service.yaml\n  - service.yaml\n"] as const;

test("a head that does not render is said first, in red, and fails the command", async (t) => {
  const made = await Repository.make(t);
  made.edit(kustomization, ...twice);
  made.edit("apps/antaeus/overlays/testing/deployment.yaml", '"25"', '"26"');
  await made.commit();
  const [succeeded, printed, comment] = await made.preview();
  t.false(succeeded);
  t.regex(printed, /This does not render: testing\/payment\./);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
  t.regex(comment, /> \[!CAUTION\]\n> \*\*testing\/payment does not render\.\*\*/);
  t.true(comment.indexOf("CAUTION") < comment.indexOf("| owner |"));
  t.regex(comment, /<summary>testing\/payment: error<\/summary>[\s\S]*already registered/);
  t.notRegex(comment, /pe-gitops-\w{6}/, "the folder that it worked in");
  t.is(row(comment, "testing/antaeus")[4], "1", "the others are shown");
  t.notRegex(comment, /\*\*Deleted/);
});

test("where the Applications do not render, those that run go on reading the commit", async (t) => {
  const made = await Repository.make(t);
  made.edit(applications, "  - payment.yaml\n", "  - payment.yaml\n  - payment.yaml\n");
  bump(made);
  await made.commit();
  const [succeeded, , comment] = await made.preview();
  t.false(succeeded);
  t.regex(comment, /\*\*testing\/root does not render/);
  t.deepEqual(row(comment, "testing/payment").slice(1), ["–", "2", "–", "1", ""]);
  t.notRegex(comment, /removed|Deleted/);
});

test("a change that makes it render again says that the difference is not known", async (t) => {
  const made = await Repository.make(t);
  made.edit(kustomization, ...twice);
  await made.commit();
  made.edit(kustomization, twice[1], twice[0]);
  await made.commit();
  const [succeeded, printed, comment] = await made.preview({ BASE: "HEAD~1" });
  t.true(succeeded, printed);
  t.regex(row(comment, "testing/payment").join(), /It did not render before/);
});

test("an Application that reads another revision, or something unknown, is not shown as if it did not", async (t) => {
  const pinned = await preview(t, (made) => {
    made.edit("clusters/base/sync/application.yaml", "targetRevision: main", "targetRevision: v1");
    bump(made);
  });
  t.regex(row(pinned, "testing/payment").join(), /Reads v1: merging to main does not change it/);
  const made = await Repository.make(t);
  made.edit(application, "    path: apps", "    directory: {recurse: true}\n    path: apps");
  await made.commit();
  const [succeeded, , comment] = await made.preview();
  t.false(succeeded);
  t.regex(comment, /does not know what spec\.source\.directory does/);
  made.edit(application, "    directory: {recurse: true}\n", "");
  made.edit(application, "path: apps/payment/overlays/testing", "path: ../../etc");
  await made.commit();
  t.regex((await made.preview())[2], /is no folder of this repository/);
});

test("no value of a Secret is printed: of each only shows whether it changed", async (t) => {
  const secret = (password: string) =>
    `${JSON.stringify({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "database",
        annotations: {
          "kubectl.kubernetes.io/last-applied-configuration": `{"stringData":"${password}"}`,
        },
      },
      stringData: { login: password, same: "always the same" },
      data: { encoded: Buffer.from(password).toString("base64") },
    })}\n`;
  const [before, after] = ["correct horse battery staple", "tr0ub4dor and three"];
  const noManifest = "---\n- not a manifest: {password: of nobody}\n";

  const made = await Repository.make(t);
  made.edit(
    `${namespace}/kustomization.yaml`,
    "  - quota.yaml\n",
    "  - quota.yaml\n  - secret.yaml\n",
  );
  made.write(`${namespace}/secret.yaml`, secret(before));
  made.edit(valuesFile, 'value: "0.5"', "value: token=fast");
  await made.commit();
  const [, first] = await made.preview({ BASE: "HEAD~1" });
  made.write(`${namespace}/secret.yaml`, secret(after));
  made.append(quota, noManifest);
  await made.commit();
  const [, broken] = await made.preview({ BASE: "HEAD~1" });
  made.edit(quota, noManifest, "");
  await made.commit();
  const [succeeded, second, comment] = await made.preview({ BASE: "HEAD~2" });

  t.true(succeeded, second);
  const values = [before, after, "always the same"];
  for (const value of values.flatMap((text) => [text, Buffer.from(text).toString("base64")])) {
    for (const printed of [first, second, broken, comment]) t.false(printed.includes(value), value);
  }
  // The control: without hiding, they would be there.
  const folder = join(made.folder, namespace);
  const rendered = await run("kubectl", ["kustomize", folder]).catch(() =>
    run("kustomize", ["build", folder]),
  );
  t.true(rendered.includes(after));

  for (const name of ["login", "encoded", "last-applied-configuration"]) {
    const lines = comment.matchAll(new RegExp(`^[-+]\\s+\\S*${name}: (.*)$`, "gm"));
    const [was, is] = [...lines].map(([, value]) => value ?? "");
    for (const value of [was, is]) t.regex(value ?? "", /^\(hidden \w{8}\)$/);
    t.not(was, is);
  }
  t.regex(comment, /^ \s+same: \(hidden \w{8}\)$/m);
  t.regex(first, /value: token=fast/, "what is in no Secret is shown as the pull request has it");
});

test("names from a change make no links, mentions or HTML, and do not leave their block", async (t) => {
  const evil = "x`</summary><img src=a>@somebody/platform **bold** [a](b) ```\u202e";
  const comment = await preview(t, (made) => {
    made.edit(application, "  project: payment\n", `  project: ${JSON.stringify(evil)}\n`);
    made.append(
      quota,
      `---\n${JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "notes" }, data: { text: `\n\`\`\`\`\n</details>\n@somebody/platform\n` } })}\n`,
    );
  });
  t.true(comment.includes("x`</summary><img"), "in a block of code it is text");
  t.regex(comment, /^`````diff$/m, "a fence longer than any in the text");
  t.true(comment.includes("\\u{202e}"));
  t.false(comment.includes("\u202e"));
  const outside = comment.replace(/^(`{3,})diff\n[\s\S]*?^\1$/gm, "");
  t.notRegex(outside, /<img|@somebody|\[a\]/);
});

test("a comment is as long as GitHub lets it be; what is left out is counted", async (t) => {
  const made = await Repository.make(t);
  const lines = Array.from({ length: 4000 }, (_, index) => `line ${index} and more`).join("\n");
  const big = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" }, data: { lines } };
  const many = Array.from({ length: 300 }, (_, index) =>
    JSON.stringify({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: `many-${index}` },
    }),
  );
  made.append(quota, `---\n${JSON.stringify(big)}\n`);
  made.append(quota, many.map((text) => `---\n${text}\n`).join(""));
  made.edit("apps/antaeus/overlays/testing/deployment.yaml", '"25"', '"26"');
  await made.commit();
  const [succeeded, printed, comment] = await made.preview();
  t.true(succeeded);
  t.true(Buffer.byteLength(comment) <= 65_000);
  t.regex(comment, /and 275 more/);
  t.regex(comment, /1 of 2 differences are left out/);
  t.regex(comment, /\+\s+value: "26"/, "what fits is there");
  t.true(printed.includes("line 3999 and more"), "the terminal has all of it");
});

/** A kustomize that renders nothing, and leaves a file behind. @returns whether it was asked to */
function spy({ programs }: Repository): () => boolean {
  mkdirSync(programs);
  const script = `#!/bin/sh\n[ "$1" = version ] && echo ${pinned("kustomize")} || touch "$0.asked"\n`;
  writeFileSync(join(programs, "kustomize"), script, { mode: 0o755 });
  return () => existsSync(join(programs, "kustomize.asked"));
}

test("nothing is rendered of a commit that has what is not allowed: it says what, where, and whom to ask", async (t) => {
  const made = await Repository.make(t);
  const wasAsked = spy(made);
  made.edit(overlay, "  - ../../base\n", "  - ../../base\n  - file:///nowhere\n");
  made.edit(service, "spec:\n", "spec:\n  externalIPs: [192.0.2.1]\n");
  made.write("apps/payment/base/.argocd-source.yaml", "kustomize: {}\n");
  symlinkSync("/nowhere", join(made.folder, "apps/payment/base/notes"));
  await made.git("add", "--all");
  const submodule = `160000,${await made.git("rev-parse", "HEAD")},payment-service/other`;
  await made.git("update-index", "--add", "--cacheinfo", submodule);
  await made.git("commit", "--quiet", "--message", "attempts");
  const [succeeded, printed, comment] = await made.preview();
  t.false(succeeded);
  const whom = `For more ask @${owner}/platform (tools/guard/allowed.ts).`;
  for (const [place, what] of [
    [`${overlay}:5: `, 'resources[]: "file:///nowhere". Allowed: the path of an own .yaml file,'],
    [`${service}:6: `, 'spec: no field "externalIPs" here. Allowed: type, selector, ports.'],
    ["apps/payment/base/.argocd-source.yaml: ", "Argo CD would read it beside the kustomization."],
    ["apps/payment/base/notes: ", "a symbolic link. Allowed: files."],
    ["payment-service/other: ", "a submodule. Allowed: files."],
  ] as const) {
    const line = printed.split("\n").find((one) => one.includes(place)) ?? "";
    t.true(line.includes(place + what), printed);
    t.true(line.endsWith(whom), line);
    t.true(comment.includes(place.slice(0, -2)), comment);
  }
  t.notRegex(printed, /at .*\.ts:/, "no stack");
  t.regex(comment, /> \[!CAUTION\]\n> \*\*Nothing of `\w{7}` is rendered/);
  t.notRegex(comment, new RegExp(`owner|@${owner}`), "no table, and nobody is called");
  t.false(wasAsked());

  // A base that nobody reviewed is looked at as well.
  await made.git("revert", "--no-edit", "HEAD");
  t.regex((await made.preview({ BASE: "HEAD~1" }))[1], /Nothing is rendered/);
  t.false(wasAsked());
  // The control: what is allowed is rendered.
  await made.git("reset", "--quiet", "--hard", "main");
  bump(made);
  await made.commit();
  await made.preview();
  t.true(wasAsked());
});

test("a base that is not there is named, with what to do", async (t) => {
  const made = await Repository.make(t);
  const [succeeded, printed] = await made.preview({ BASE: "nowhere" });
  t.false(succeeded);
  t.regex(printed, /no commit nowhere here.*BASE=HEAD~1/s);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
});
