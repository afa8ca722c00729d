import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { installHook, removeHook } from "../../tools/local/hook.ts";

const git = (await run("sh", ["-c", "command -v git"])).trim();
const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
const temporary = () => mkdtempSync(join(folder, "folder-"));
test.after.always(() => rmSync(folder, { recursive: true }));

/** A PATH that has Git and these programs alone, each a line of shell. */
function path(programs: Record<string, string>): string {
  const folder = temporary();
  symlinkSync(git, join(folder, "git"));
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

/** Runs a script to its end. @returns all that it printed, and whether it succeeded */
async function script(
  name: string,
  programs: Record<string, string>,
  cwd = ".",
): Promise<[boolean, string]> {
  const env = { PATH: path(programs), HOME: temporary() };
  return run(process.execPath, [resolve(`tools/commands/${name}.ts`)], {
    cwd,
    env,
    both: true,
  }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** A repository with one commit, and a change that is not committed. */
async function repository(): Promise<string> {
  const folder = temporary();
  mkdirSync(join(folder, "clusters/testing/apps"), { recursive: true });
  writeFileSync(join(folder, "clusters/testing/apps/root.yaml"), "");
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await run("git", ["init", "--quiet", folder]);
  await run("git", ["-C", folder, "add", "--all"]);
  await run("git", ["-C", folder, ...author, "commit", "--quiet", "--message", "first"]);
  writeFileSync(join(folder, "draft.yaml"), "");
  return folder;
}

const fine = { docker: "exit 0", kind: "exit 0", kubectl: "exit 0", tar: "exit 0" };

test("make help tells of every target that people type", async (t) => {
  const help = await run("make", ["help"]);
  for (const target of [
    "run",
    "test",
    "up",
    "down",
    "pay",
    "status",
    "live",
    "e2e",
    "report",
    "deploy",
    "preview",
    "dora",
    "shell-multitool",
    "disaster-drill",
    "schemathesis",
    "branch-protection",
    "new-service",
    "new-environment",
    "promote",
    "bump",
    "verify-images",
    "install-asdf-tools",
  ]) {
    t.regex(help, new RegExp(`make ${target}\\b.*\\w`));
  }
});

test("make help groups them, and no target is a file's", async (t) => {
  const help = await run("make", ["help"]);
  t.deepEqual(help.match(/^\w+$/gm), ["Try", "Deliver", "Operate", "Develop"]);
  for (const target of ["image", "publish", "bench", "test"]) {
    t.regex(
      await run("make", ["--print-data-base", "--question", "help"], {}).catch(
        (error: Error) => error.message,
      ),
      new RegExp(`^\\.PHONY:.* ${target}\\b`, "m"),
    );
  }
});

test("make install-asdf-tools calls mise, or asdf, whichever is there", async (t) => {
  const install = (programs: Record<string, string>) =>
    run("make", ["install-asdf-tools"], {
      env: { PATH: `${path(programs)}:/usr/bin:/bin` },
      both: true,
    }).catch((error: Error) => error.message);
  const says = (name: string) => `echo ${name} "$@"`;
  t.regex(await install({ mise: says("mise"), asdf: says("asdf") }), /^mise install$/m);
  const asdf = await install({ asdf: says("asdf") });
  t.regex(asdf, /^asdf plugin add kubectl$/m);
  t.regex(asdf, /^asdf install$/m);
  t.regex(await install({}), /Neither mise nor asdf is here/);
});

test("make up names everything that is missing, and the way without", async (t) => {
  const [succeeded, printed] = await script("up", {});
  t.false(succeeded);
  for (const tool of ["Docker", "kind", "kubectl"])
    t.regex(printed, new RegExp(`^ +${tool}: `, "m"));
  t.regex(printed, /make run/);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
});

test("make up tells a Docker that does not run from one that is missing", async (t) => {
  const docker = 'test "$1" = --version';
  const [succeeded, printed] = await script("up", { ...fine, docker });
  t.false(succeeded);
  t.regex(printed, /a running Docker/);
  t.notRegex(printed, /kubectl:/);
});

test("make up outside of a repository, or before its first commit, says what to do", async (t) => {
  const [succeeded, printed] = await script("up", fine, temporary());
  t.false(succeeded);
  t.regex(printed, /commit first/);
  const empty = temporary();
  await run("git", ["init", "--quiet", empty]);
  t.regex((await script("up", fine, empty))[1], /commit first/);
});

test("make up names the port that is taken, before it makes anything", async (t) => {
  const server = createServer().listen(30080, "127.0.0.1");
  t.teardown(() => server.close());
  server.on("error", () => {}); // then somebody else has it, which is as good
  const kind = 'test "$1" != create || echo created';
  const [succeeded, printed] = await script("up", { ...fine, kind }, await repository());
  t.false(succeeded);
  t.regex(printed, /Port 300(08|80) of this machine is taken/);
  t.notRegex(printed, /created/);
});

test("uncommitted changes are said not to be deployed", async (t) => {
  const [, printed] = await script("deploy", { kubectl: "exit 1" }, await repository());
  t.regex(printed, /Only commits are deployed.*: draft.yaml$/m);
});

test("make deploy without a cluster says how to get one", async (t) => {
  const [succeeded, printed] = await script(
    "deploy",
    { kubectl: "echo no such context >&2; exit 1" },
    await repository(),
  );
  t.false(succeeded);
  t.regex(printed, /make up/);
  t.regex(printed, /no such context/);
});

test("make down with nothing there succeeds, and says so", async (t) => {
  for (const programs of [{}, fine]) {
    const [succeeded, printed] = await script("down", programs, await repository());
    t.true(succeeded, printed);
    t.regex(printed, /There is no cluster to remove/);
  }
});

test("make status without a cluster says how to get one", async (t) => {
  for (const kubectl of ["exit 1", 'test "$1" = config && echo some-context']) {
    const [succeeded, printed] = await script("status", { kubectl });
    t.false(succeeded);
    t.regex(printed, /make up/);
  }
});

test("the Git hook is written, written again, and removed", async (t) => {
  const folder = await repository();
  t.is(await installHook(folder), undefined);
  t.is(await installHook(folder), undefined);
  const hook = join(folder, ".git/hooks/post-commit");
  t.regex(readFileSync(hook, "utf8"), /make --silent deploy/);
  await removeHook(folder);
  t.false(existsSync(hook));
});

test("the Git hook is where Git looks for it, in a worktree and by core.hooksPath", async (t) => {
  const folder = await repository();
  const tree = join(temporary(), "tree");
  await run("git", ["-C", folder, "worktree", "add", "--quiet", "--detach", tree]);
  await installHook(tree);
  t.true(existsSync(join(folder, ".git/hooks/post-commit")));
  await removeHook(tree);
  t.false(existsSync(join(folder, ".git/hooks/post-commit")));

  const hooks = temporary();
  await run("git", ["-C", folder, "config", "core.hooksPath", hooks]);
  await installHook(folder);
  t.true(existsSync(join(hooks, "post-commit")));
});

test("a command that fails ends, whatever it has started", async (t) => {
  const child = "require('node:child_process').spawn('sleep', ['60'])";
  const code = `import { main } from "${resolve("tools/cli/command.ts")}";
    main(async () => { const { createRequire } = await import("node:module");
      const require = createRequire("/"); ${child}; throw new Error("failed"); });`;
  const begin = performance.now();
  await t.throwsAsync(run(process.execPath, ["--input-type=module", "--eval", code]));
  t.true(performance.now() - begin < 30_000);
});

test("a hook of the user's own stays, and the user is told", async (t) => {
  const folder = await repository();
  const hook = join(folder, ".git/hooks/post-commit");
  mkdirSync(join(folder, ".git/hooks"), { recursive: true });
  writeFileSync(hook, "#!/bin/sh\nmine\n");
  t.regex((await installHook(folder)) ?? "", /hook of your own \(post-commit\).*make deploy/);
  await removeHook(folder);
  t.is(readFileSync(hook, "utf8"), "#!/bin/sh\nmine\n");
});
