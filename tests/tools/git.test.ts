import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
import { revert } from "../../tools/delivery/revert.ts";
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
  renames = copies
  algorithm = patience
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

test.serial("a revert is the same whatever Git is configured to be", async (t) => {
  const { folder, second } = await repository();
  const text = `${readFileSync(join(folder, overlay), "utf8")}\n \n\n`;
  const more = { [overlay]: text, "apps/payment/base/größe.yaml": " a\r\n\n" };
  await commit(folder, "payment: größer", more);
  await git(folder, "push", "--quiet", "origin", "HEAD:main");
  const { bumped } = await underHostility(() => bumpedAndReverted({ folder, second }));
  const failed = { service: "payment", environment: "testing", commit: bumped };
  await git(folder, "push", "--quiet", "--force", "origin", `${bumped}:main`);
  const outcome = await underHostility(() =>
    revert(folder, { ...failed, wasLive: async (one) => one === second }),
  );
  if (!("commit" in outcome)) throw new Error(outcome.skipped);
  t.is(await git(folder, "diff", second, outcome.commit), "");
  const shown = await git(folder, "show", "--no-patch", "--format=%s%n%G?", outcome.commit);
  t.regex(shown, /^Revert "payment: .* to testing" and 1 more\nN$/);
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

/**
 * Runs a command of ours, with Git and programs of shell alone.
 * @returns what it printed, without what a second time differs in: how long it took, and the folders
 */
async function command(
  name: string,
  folder: string,
  programs: Record<string, string>,
  options: NodeJS.ProcessEnv = {},
): Promise<string> {
  const bin = mkdtempSync(join(root, "bin-"));
  symlinkSync(await run("sh", ["-c", "command -v git"]), join(bin, "git"));
  for (const [program, lines] of Object.entries(programs))
    writeFileSync(join(bin, program), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: bin, HOME: root, GITHUB_STEP_SUMMARY: "", ...options };
  const printed = await run(process.execPath, [resolve(`tools/commands/${name}.ts`)], {
    ...{ cwd: folder, env, both: true },
  });
  return printed
    .replaceAll(/[\d.]+ (s|a week)\b/g, "")
    .replaceAll(new RegExp(`${root}/\\w+-\\w+`, "g"), "");
}

/** Runs make preview as a hook would: in a linked worktree, with variables that lead to another one. */
function preview(folder: string): Promise<string> {
  const [, pinned] = /^kustomize (.*)$/m.exec(readFileSync(".tool-versions", "utf8")) ?? [];
  // Renders without Kustomize: what it is given, as it is.
  const kustomize = `if [ "$1" = version ]; then echo v${pinned}; else /bin/cat "$2/object.yaml"; fi`;
  return command("preview", folder, { kustomize }, { BASE: "main", HEAD: "HEAD" });
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

/** What make live, deploy, promote and bump ask, of a cluster at a commit and of Docker. */
function programs(origin: string, revision: string, image: string): Record<string, string> {
  const source = { repoURL: origin, path: dirname(overlay), targetRevision: "main" };
  const application = {
    ...{ metadata: { name: "payment" }, spec: { source, syncPolicy: { automated: {} } } },
    status: { sync: { status: "Synced", revision }, health: { status: "Healthy" } },
  };
  const pod = {
    ...{ metadata: { name: "payment-1" }, status: { containerStatuses: [{ ready: true }] } },
    spec: { containers: [{ image }] },
  };
  const charges = Array.from({ length: 100 }, (_, i) => ({ status: 200, result: i < 50 }));
  const says = (answer: unknown) => `echo '${JSON.stringify(answer)}' ;;`;
  return {
    cosign: `echo "v${/^cosign (.*)$/m.exec(readFileSync(".tool-versions", "utf8"))?.[1]}"`,
    docker: `echo '{"digest":"${digest(1)}"}'`,
    kubectl: `case "$*" in
      "config current-context") echo test ;;
      *receive-pack*) exec git receive-pack ${origin} ;;
      *jsonpath*) printf clusters/testing/apps ;;
      *applications*) ${says({ items: [application] })}
      *"get secret"*) ${says({})}
      *"get pods"*) ${says({ items: [pod] })}
      *localhost:8000*) echo 200 ;;
      *"exec deployment"*) ${says(charges)}
    esac`,
  };
}

test.serial(
  "every other command prints and makes the same, from a hook in a worktree",
  async (t) => {
    const argoCD = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
    await once(argoCD, "listening");
    t.teardown(() => argoCD.close());
    const ARGOCD_URL = `http://127.0.0.1:${(argoCD.address() as AddressInfo).port}`;
    const time = "2026-11-22T10:00:00Z";
    const dates = { GIT_AUTHOR_DATE: time, GIT_COMMITTER_DATE: time };
    Object.assign(process.env, dates);
    Object.assign(plain, dates);
    const all = async (around: typeof underHostility) => {
      const { folder, origin, second } = await repository();
      const tag = await tagOf(second, folder);
      const image = (tag: string, digit: number) =>
        `images:\n  - name: ghcr.io/x/y/payment\n    newTag: ${tag}\n    digest: ${digest(digit)}\n`;
      const revision = await commit(folder, "overlays", {
        [overlay]: image(tag, 7),
        [overlayFile("payment", "production")]: image("0.9.0", 6),
      });
      await git(folder, "push", "--quiet", "origin", "HEAD:main");
      const tree = join(mkdtempSync(join(root, "tree-")), "tree");
      await git(folder, "worktree", "add", "--quiet", "--detach", tree);
      writeFileSync(join(tree, "draft"), "");
      const asked = programs(origin, revision, `ghcr.io/x/y/payment:${tag}@${digest(7)}`);
      const options = { ARGOCD_URL, SERVICE: "payment", COSIGN_KEY: "key" };
      const printed: string[] = [];
      for (const [name, more] of [
        ["live", {}],
        ["dora", {}],
        ["promote", { DRY_RUN: "1" }],
        ["bump", { DIGEST: digest(1) }],
        ["deploy", {}],
      ] as const) {
        const env = { ...options, ...more };
        printed.push(await around(() => command(name, tree, asked, env)));
      }
      return { printed, main: await git(origin, "log", "--format=%H %s", "main") };
    };
    const expected = await all((look) => look());
    t.regex(
      expected.printed.join("\n"),
      /is live.*1 deployment.*- {4}newTag: 0\.9\.0.*draft.*Argo CD has/s,
    );
    t.deepEqual(await all(underHostility), expected);
  },
);
