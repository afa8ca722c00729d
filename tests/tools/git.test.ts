import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { type Build, bump } from "../../tools/delivery/bump-commit.ts";
import {
  bumpOf,
  type Commit,
  changeOf,
  contains,
  log,
  revertOf,
} from "../../tools/delivery/history.ts";
import { records } from "../../tools/dora/deployments.ts";
import { filesOf, head, textAt } from "../../tools/git/git.ts";
import { overlayFile, servicesAt, sourceFolder, tagOf } from "../../tools/images/images.ts";

const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(root, { recursive: true }));

const overlay = overlayFile("payment", "testing");
const digest = (number: number) => `sha256:${number.toString(16).padStart(64, "0")}`;
const author = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "test"],
    [`GIT_${who}_EMAIL`, "test@localhost"],
  ]),
);
Object.assign(process.env, author);

/** The environment of a machine on which nobody configured Git; the tests' own commands run in it. */
const plain = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
const git = (folder: string, ...args: string[]) =>
  run("git", ["-C", folder, ...args], { env: plain });

/** What people configure, and what a hook in a linked worktree finds: each line once broke a command, or may. */
const hostile = `
[log]
  showSignature = true
  follow = true
  decorate = full
  date = relative
  showRoot = false
[core]
  autocrlf = true
  eol = crlf
  quotePath = true
  attributesFile = ${join(root, "attributes")}
[diff]
  noprefix = true
  mnemonicPrefix = true
  external = false
  relative = true
  suppressBlankEmpty = true
  context = 0
  orderFile = /dev/null
[diff "shout"]
  textconv = tr a-z A-Z <
[color]
  ui = always
  diff = always
[status]
  showUntrackedFiles = no
  branch = true
[commit]
  gpgSign = true
[tag]
  gpgSign = true
[push]
  followTags = true
  default = nothing
[i18n]
  commitEncoding = ISO-8859-1
  logOutputEncoding = ISO-8859-1
[gpg]
  program = false
`;

/** Has Git configured in that way, with the variables of somebody's hook, until it is done. */
async function underHostility<T>(look: () => Promise<T>): Promise<T> {
  const config = join(root, "gitconfig");
  writeFileSync(config, hostile);
  writeFileSync(join(root, "attributes"), "* text eol=crlf diff=shout\n");
  const variables = {
    GIT_CONFIG_GLOBAL: config,
    GIT_DIR: join(root, "nowhere"),
    GIT_WORK_TREE: root,
    GIT_INDEX_FILE: join(root, "index"),
    GIT_EXTERNAL_DIFF: "false",
    GIT_LITERAL_PATHSPECS: "1",
    LC_ALL: "de_DE.UTF-8",
  };
  Object.assign(process.env, variables);
  try {
    return await look();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

/** Commits these files, and those of before. @returns the commit */
async function commit(folder: string, message: string, files: Record<string, string>) {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  await git(folder, "add", "--all");
  await git(folder, "commit", "--quiet", "--message", message);
  return git(folder, "rev-parse", "HEAD");
}

/** A clone with payment's source and overlay, and a name that Git would quote; and where it is pushed to. */
async function repository() {
  const [folder, origin] = ["work-", "origin-"].map((name) => mkdtempSync(join(root, name)));
  if (!folder || !origin) throw new Error("no folder");
  await git(origin, "init", "--quiet", "--bare", "--initial-branch=main");
  await git(folder, "init", "--quiet", "--initial-branch=main");
  await git(folder, "remote", "add", "origin", origin);
  const first = await commit(folder, "first: Zürich", {
    [overlay]: "# Ours.\n\nimages:\n  - name: ghcr.io/x/y/payment\n    newTag: 0.0.0\n\n# End.\n",
    [`${sourceFolder("payment")}/version`]: "0\n",
    "docs/größe/file": "a\n",
    "clusters/testing/apps/root.yaml": "",
  });
  const second = await commit(folder, "payment: one", {
    [`${sourceFolder("payment")}/version`]: "1\n",
  });
  await git(folder, "push", "--quiet", "origin", "HEAD:main");
  return { folder, origin, first, second };
}

const build = (commit: string): Build => ({ service: "payment", commit, digest: digest(1) });

/** Bumps, and has it reverted. @returns the commits */
async function bumpedAndReverted({ folder, second }: { folder: string; second: string }) {
  const outcome = await bump(folder, build(second));
  if (!("commit" in outcome)) throw new Error(outcome.skipped);
  await git(folder, "reset", "--quiet", "--hard", outcome.commit);
  await git(folder, "revert", "--no-edit", outcome.commit);
  await git(folder, "push", "--quiet", "origin", "HEAD:main");
  return { bumped: outcome.commit, reverted: await git(folder, "rev-parse", "HEAD") };
}

test.serial("a bump is the same commit whatever Git is configured to be", async (t) => {
  const made = await repository();
  const { bumped } = await underHostility(() => bumpedAndReverted(made));
  const shown = await git(made.folder, "show", "--format=%s%n%G?", "--unified=0", bumped);
  const tag = await tagOf(made.second, made.folder);
  t.regex(shown, new RegExp(`^payment: ${tag} to testing\nN\n`), "and nobody had to sign it");
  t.deepEqual(shown.match(/^[+-] .*$/gm), [
    "-    newTag: 0.0.0",
    `+    newTag: ${tag}`,
    `+    digest: ${digest(1)}`,
  ]);
  // What was taken back is known from a patch.
  const again = await underHostility(() => bump(made.folder, build(made.second)));
  t.regex("skipped" in again ? again.skipped : "", /taken back/);
});

test.serial("history is read the same whatever Git is configured to be", async (t) => {
  const { folder, first, second } = await repository();
  const { bumped, reverted } = await bumpedAndReverted({ folder, second });
  writeFileSync(join(folder, "clusters/draft.yaml"), "");
  const read = async () => {
    const files = await filesOf(reverted, folder);
    return {
      commit: await log(["-1", first], folder),
      change: await changeOf(first, { path: dirname(overlay) }, folder),
      contains: await contains(reverted, second, folder),
      bump: await bumpOf(second, bumped, overlay, folder),
      revert: await revertOf((await log(["-1", bumped], folder))[0] as Commit, reverted, folder),
      last: await log(["-1", reverted, "--", overlay], folder),
      services: await servicesAt(reverted, folder),
      tag: await tagOf(second, folder),
      text: await textAt(reverted, overlay, folder),
      file: readFileSync(join(files, overlay), "utf8"),
      deployments: (await records(folder, [])).map(({ git }) => git),
    };
  };
  const expected = await read();
  t.is(expected.commit[0]?.subject, "first: Zürich");
  t.deepEqual(expected.services, ["payment"]);
  t.is(expected.bump?.sha, bumped);
  t.is(expected.revert?.sha, reverted);
  t.is(expected.deployments.flat().length, 3, "first, bump, revert");
  t.deepEqual(await underHostility(read), expected);
});

/** Runs a command of ours as a hook would: in a linked worktree, with variables that lead to another one. */
async function preview(folder: string): Promise<string> {
  const bin = mkdtempSync(join(root, "bin-"));
  const path = await run("sh", ["-c", "command -v git"]);
  symlinkSync(path, join(bin, "git"));
  // Renders without Kustomize: what it is given, as it is.
  writeFileSync(
    join(bin, "kustomize"),
    `#!/bin/sh\nif [ "$1" = version ]; then echo v$PINNED; else /bin/cat "$2/object.yaml"; fi\n`,
    { mode: 0o755 },
  );
  const versions = readFileSync(".tool-versions", "utf8");
  const PINNED = /^kustomize (.*)$/m.exec(versions)?.[1] ?? "";
  const env = { ...process.env, PATH: bin, PINNED, HOME: root, GITHUB_STEP_SUMMARY: "" };
  const command = [resolve("tools/commands/preview.ts")];
  return run(process.execPath, command, {
    cwd: folder,
    env: { ...env, BASE: "main", HEAD: "HEAD" },
  });
}

test.serial(
  "a preview is the same whatever Git is configured to be, from a hook in a worktree",
  async (t) => {
    const { folder } = await repository();
    const object = (value: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\ndata:\n  a: ${value}\n`;
    const file = "clusters/testing/object.yaml";
    const kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    // What a preview refuses is not what is tried here.
    await git(folder, "rm", "-r", "--quiet", "apps");
    await commit(folder, "base", {
      "clusters/testing/kustomization.yaml": `${kustomization}resources:\n  - object.yaml\n`,
      [file]: object("one"),
      ".gitignore": "report/\n",
      ".github/CODEOWNERS": "* @x/platform\n",
    });
    const tree = join(mkdtempSync(join(root, "tree-")), "tree");
    await git(folder, "worktree", "add", "--quiet", "--detach", tree);
    await commit(tree, "change", { [file]: object("two") });
    const expected = await preview(tree);
    t.regex(expected, /a: one.*a: two/s);
    t.is(await underHostility(() => preview(tree)), expected);
  },
);

test.serial(
  "what is not committed is seen, and an error does not show our settings",
  async (t: ExecutionContext) => {
    const { folder } = await repository();
    const before = process.cwd();
    const error = await underHostility(() => t.throwsAsync(textAt("HEAD", "no/such", folder)));
    t.regex(error?.message ?? "", /^git -C \S+ cat-file blob HEAD:no\/such failed/);
    t.regex(await underHostility(() => head()), /^[0-9a-f]{40}$/);
    t.is(process.cwd(), before);
  },
);
