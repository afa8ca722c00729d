import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { waitFor } from "../../tools/cli/progress.ts";
import { publish, refresh } from "../../tools/delivery/git-endpoint.ts";
import { Kubectl } from "../../tools/kubernetes/cluster.ts";
import { hostPorts } from "../../tools/kubernetes/kind.ts";
import { installHook, removeHook } from "../../tools/local/hook.ts";
import { fakeProgram } from "../support/fake-program.ts";
import { registry as onGhcr } from "../support/owner.ts";

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
  options: NodeJS.ProcessEnv = {},
): Promise<[boolean, string]> {
  const env = { PATH: path(programs), HOME: temporary(), ...options };
  return run(process.execPath, [resolve(`tools/commands/${name}.ts`)], {
    cwd,
    env,
    both: true,
  }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** clusters/local/kind.yaml of this repository. */
const kind = readFileSync("clusters/local/kind.yaml", "utf8");

/** A repository with one commit, and a change that is not committed. */
async function repository(): Promise<string> {
  const folder = temporary();
  mkdirSync(join(folder, "clusters/testing/apps"), { recursive: true });
  writeFileSync(join(folder, "clusters/testing/apps/root.yaml"), "");
  mkdirSync(join(folder, "clusters/local"));
  writeFileSync(join(folder, "clusters/local/kind.yaml"), kind);
  cpSync("clusters/local/git", join(folder, "clusters/local/git"), { recursive: true });
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await run("git", ["init", "--quiet", folder]);
  await run("git", ["-C", folder, "add", "--all"]);
  await run("git", ["-C", folder, ...author, "commit", "--quiet", "--message", "first"]);
  writeFileSync(join(folder, "draft.yaml"), "");
  return folder;
}

/** For what a command has a shell do. */
const sh = 'exec /bin/sh "$@"';
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
    "restore",
    "schemathesis",
    "branch-protection",
    "new-service",
    "new-environment",
    "promote",
    "bump",
    "revert",
    "verify-images",
    "install-asdf-tools",
    "size",
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

test("the Makefile is one for make 3.81, which macOS has", (t) => {
  const makefile = readFileSync("Makefile", "utf8");
  // Without a shell of its own that make looks up simple lines on the PATH that it was started with.
  t.regex(makefile, /^SHELL := \/bin\/bash$/m);
  t.regex(makefile, /^export PATH := \$\(CURDIR\)\/node_modules\/\.bin:/m);
  // What came later is not known to it, and mostly ignored without a word.
  const later =
    /^\.ONESHELL|\.SHELLFLAGS|\.EXTRA_PREREQS|\.WAIT|\$\((file|guile|let|intcmp) |^undefine |^private | != |&:|::=/m;
  t.notRegex(makefile, later);
  t.regex("A != uname\n", later, "the check itself");
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
  t.regex(printed, /go to your clone/);
  const empty = temporary();
  await run("git", ["init", "--quiet", empty]);
  t.regex((await script("up", fine, empty))[1], /commit first/);
});

test("a clone that is somebody else's: Git's own reason, with its cure", async (t) => {
  const folder = await repository();
  const theirs = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1", GIT_CONFIG_NOSYSTEM: "1" };
  for (const name of ["up", "deploy", "live", "preview", "dora", "bump", "revert", "promote"]) {
    const [succeeded, printed] = await script(name, fine, folder, {
      ...theirs,
      SERVICE: "payment",
      COMMIT: "HEAD",
    });
    t.false(succeeded, name);
    t.regex(printed, /dubious ownership.*git config --global --add safe\.directory/s, name);
    t.notRegex(printed, /at .*\.ts:/, "no stack");
  }
});

test("make up names the port that is taken, before it makes anything", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const programs = { ...fine, kind: 'test "$1" != create || echo created' };
  for (const [nodePort, use] of [
    [30008, "Antaeus"],
    [30080, "Argo CD"],
  ]) {
    const folder = await repository();
    // No port of this machine but the one that is taken, so that no other test or cluster has a say.
    const free = kind.replaceAll(/hostPort: \d+/g, "hostPort: 0");
    const mapping = new RegExp(`(containerPort: ${nodePort}.*\n +hostPort: )0`);
    writeFileSync(join(folder, "clusters/local/kind.yaml"), free.replace(mapping, `$1${port}`));
    const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    await run("git", ["-C", folder, ...author, "commit", "--quiet", "--all", "--message", "port"]);
    const [succeeded, printed] = await script("up", programs, folder);
    t.false(succeeded);
    t.regex(printed, new RegExp(`Port ${port} of this machine is taken, .* for ${use}\\.`));
    t.regex(printed, new RegExp(`lsof -nP -i :${port}.*hostPort in clusters/local/kind.yaml`));
    t.notRegex(printed, /created/);
  }
});

test("every address of a local cluster follows the ports of kind.yaml", async (t) => {
  t.deepEqual(hostPorts(), { Antaeus: 30008, "Argo CD": 30080 });
  const root = temporary();
  mkdirSync(join(root, "clusters/local"), { recursive: true });
  const file = join(root, "clusters/local/kind.yaml");
  writeFileSync(file, kind.replace("hostPort: 30008", "hostPort: 8000"));
  t.deepEqual(hostPorts(root), { Antaeus: 8000, "Argo CD": 30080 });
  writeFileSync(file, kind.replace("hostPort: 30080", ""));
  t.throws(() => hostPorts(root), { message: /maps no hostPort to 30080/ });

  // The commands of a working copy take them from there.
  cpSync("tools", join(root, "tools"), { recursive: true });
  writeFileSync(file, kind.replace("hostPort: 30008", "hostPort: 1"));
  const pay = [join(root, "tools/commands/pay.ts")];
  const error = await t.throwsAsync(run(process.execPath, pay, { env: {}, both: true }));
  t.regex(error?.message ?? "", /Paying at http:\/\/localhost:1$/m);
});

/** A docker with a container on the port of the registry, or none; it prints what it is told to do. */
const docker = (there: string, more = "") => `case "$*" in
  "ps --filter publish="*) echo "${there}" ;;
  ${more}
  "inspect pe-gitops-registry"*) exit 1 ;;
  *) echo "docker $*" >&2 ;;
esac`;

/** Starts the registry in a process of its own. @returns its name, or why there is none; and what docker did */
async function registry(line: string, options: NodeJS.ProcessEnv = {}): Promise<string> {
  const code = `import { main } from "${resolve("tools/cli/command.ts")}";
    import { localRegistry, startRegistry, toPush } from "${resolve("tools/local/registry.ts")}";
    main(async () => console.log(await startRegistry(), localRegistry, toPush("localhost:5000/x/y:1")));`;
  const args = ["--input-type=module", "--eval", code];
  const env = { PATH: path({ docker: line }), ...options };
  return run(process.execPath, args, { env, both: true }).catch((error: Error) => error.message);
}

test("the registry is on port 5000, or on the one that LOCAL_REGISTRY_PORT says", async (t) => {
  const name = "pe-gitops-registry localhost";
  t.is(await registry(docker("")), `${name}:5000 localhost:5000/x/y:1`);
  const other = { LOCAL_REGISTRY_PORT: "5001" };
  t.is(await registry(docker(""), other), `${name}:5001 localhost:5001/x/y:1`);
  t.regex(await registry(docker(""), { LOCAL_REGISTRY_PORT: "x" }), /must be the number of a port/);

  const log = join(temporary(), "log");
  const logging = docker("", `run*|rm*|start*) echo "$*" >>${log} ;;`);
  await registry(logging, other);
  t.regex(readFileSync(log, "utf8"), /^run .*--publish 127\.0\.0\.1:5001:5000 registry:/);
  // One that was made for another port is made anew.
  rmSync(log);
  const made = `"inspect pe-gitops-registry --format"*) echo '{"5000/tcp":[{"HostPort":"5000"}]}' ;;`;
  const there = `"inspect pe-gitops-registry") ;;`;
  await registry(logging.replace("run*", `${made} ${there} run*`), other);
  t.regex(readFileSync(log, "utf8"), /^rm --force --volumes pe-gitops-registry$/m);
});

test("a registry that is there is taken; another container on its port is refused, and so is AirPlay", async (t) => {
  t.regex(await registry(docker("pe-gitops-registry registry:3.0.0")), /^pe-gitops-registry /);
  for (const image of ["registry:2", "mirror/registry", "docker.io/library/registry:3.0.0"])
    t.regex(await registry(docker(`mine ${image}`)), /^mine /);

  for (const image of ["nginx:1", "x/registry-ui", "registry.example/nginx"]) {
    const refused = await registry(docker(`web ${image}`));
    t.regex(refused, /port 5000 of this machine: the container web, of .*, which is no registry/);
    t.regex(refused, /lsof -nP -i :5000.*LOCAL_REGISTRY_PORT=5001/);
    t.notRegex(refused, /at .*\.ts:/, "no stack");
  }
  const taken = docker("", "run*) echo address already in use >&2; exit 125 ;;");
  t.regex(await registry(taken), /port 5000 .*address already in use.*LOCAL_REGISTRY_PORT=5001/s);
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

test("the hook says one line while the cluster is stopped; make deploy fails", async (t) => {
  const stopped = { kubectl: "echo refused >&2; exit 1" };
  const folder = await repository();
  const [succeeded, printed] = await script("deploy", stopped, folder, { FROM_HOOK: "1" });
  t.true(succeeded);
  t.regex(printed, /^▸ The local cluster is stopped.*make up.*$/);
  t.regex((await script("deploy", stopped, folder))[1], /make up/);
  const running = { kubectl: 'test "$3 $4 $5" = "get --raw /readyz"' };
  t.regex((await script("deploy", running, folder, { FROM_HOOK: "1" }))[1], /make up/, "it tries");
});

test.serial("Argo CD looks at once when a commit was pushed, and not before", async (t) => {
  const { folder, calls } = fakeProgram("kubectl", { annotate: ["annotated"], exec: [""] });
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  await refresh(new Kubectl("test"));
  t.regex(
    calls()
      .map(({ args }) => args)
      .join(),
    /^--context test annotate applications.argoproj.io --all -n argocd --overwrite argocd.argoproj.io\/refresh=normal argocd.argoproj.io\/refresh-timestamp=[\d-]+T[\d:.]+Z$/,
  );
  // Without the commit over there, there is nothing to look at.
  await t.throwsAsync(publish(new Kubectl("test"), "HEAD"));
  t.false(
    calls()
      .slice(1)
      .some(({ args }) => args.includes("annotate")),
  );
});

test("make down with nothing there succeeds, and says so", async (t) => {
  for (const programs of [{}, { ...fine, docker: "exit 1" }]) {
    const [succeeded, printed] = await script("down", programs, await repository());
    t.true(succeeded, printed);
    t.regex(printed, /There is no cluster to remove/);
  }
});

test("make down says where the backup is", async (t) => {
  const folder = await repository();
  mkdirSync(join(folder, ".backup/now/ltx"), { recursive: true });
  const [succeeded, printed] = await script("down", {}, folder);
  t.true(succeeded, printed);
  t.regex(printed, /left in \.backup\/now: make up RESTORE=1 starts from it, and rm -r \.backup/);
});

test("make up RESTORE=1 is refused where there is a cluster or no backup, and so is anything but 1", async (t) => {
  for (const [RESTORE, clusters, says] of [
    ["1", "pe-gitops", /RESTORE=1 is for a new cluster: make down, then make up RESTORE=1/],
    ["1", "another", /There is no backup in \.backup\/now/],
    ["yes", "another", /RESTORE must be 1 or left out/],
  ] as const) {
    const programs = { ...fine, kind: `echo ${clusters}` };
    const [succeeded, printed] = await script("up", programs, await repository(), { RESTORE });
    t.false(succeeded);
    t.regex(printed, says);
  }
});

test("make down removes the registry where the cluster is gone, or kind", async (t) => {
  const removed = { docker: "exit 0" };
  for (const programs of [{ ...fine, ...removed }, removed]) {
    const [succeeded, printed] = await script("down", programs, await repository());
    t.true(succeeded, printed);
    t.regex(printed, /There is no cluster to remove.*\nThe registry is removed/);
  }
});

test("make down removes the images that were built to be pushed, and nobody else's", async (t) => {
  const pushed = onGhcr.replace("ghcr.io", "localhost:5000");
  const ours = [`${pushed}/git:1.0.0`, `${pushed.replace("5000", "5001")}/payment:1-amd64`];
  const others = [
    `${onGhcr}/payment:1`,
    `${pushed}/payment:<none>`,
    "localhost:5000/x/y:1",
    "<none>:<none>",
  ];
  const list = [...ours, ...others].join("\\n");
  const docker = `case "$*" in "image ls "*) printf '${list}' ;; "image rm "*) echo "$*" >>log ;; esac`;
  const folder = await repository();
  const [succeeded, printed] = await script("down", { ...fine, docker }, folder);
  t.true(succeeded, printed);
  t.regex(printed, /own store had 2 of them/);
  t.regex(printed, /stay for the next make up/);
  t.is(readFileSync(join(folder, "log"), "utf8"), `image rm ${ours.join(" ")}\n`);
});

test("make disaster-drill fails, and runs nothing, when the guide has no such heading", async (t) => {
  const folder = await repository();
  mkdirSync(join(folder, "docs"));
  writeFileSync(
    join(folder, "docs/operations.md"),
    "## The cluster is lost\n\n```sh\nmake down\n```\n",
  );
  const programs = { bash: "echo a command was run", make: "echo a command was run" };
  const [succeeded, printed] = await script("disaster-drill", programs, folder);
  t.false(succeeded);
  t.regex(printed, /has no commands under "The cluster is gone"/);
  t.notRegex(printed, /a command was run/);
});

test("make status without kubectl names kubectl, not its context", async (t) => {
  const [succeeded, printed] = await script("status", {});
  t.false(succeeded);
  t.regex(printed, /kubectl is not here/);
  t.notRegex(printed, /context|at .*\.ts:/);
});

test("make shell-multitool works while another shell is open, and names a tool that is missing", async (t) => {
  const kubectl = 'case "$*" in *" run "*) echo "$4";; esac';
  const names = await Promise.all(
    [1, 2].map(async () => (await script("shell-multitool", { ...fine, sh, kubectl }))[1]),
  );
  const pods = names.map((printed) => /^multitool-[0-9a-f]{8}$/m.exec(printed)?.[0]);
  t.truthy(pods[0]);
  t.not(pods[0], pods[1]);

  const [succeeded, printed] = await script("shell-multitool", { sh });
  t.false(succeeded);
  t.regex(printed, /docker is not here/);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
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
  t.regex(readFileSync(hook, "utf8"), /make --silent deploy FROM_HOOK=1/);
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
  // It may be that of all repositories: then it is of this one alone.
  const env = { PATH: path({ make: 'echo "make $*"' }) };
  const hook = (cwd: string) => run("/bin/sh", [join(hooks, "post-commit")], { cwd, env });
  t.is(await hook(folder), "");
  t.is(await hook("."), "make --silent deploy FROM_HOOK=1");
});

test("a hook that an older make up wrote is written anew, and removed", async (t) => {
  const folder = await repository();
  const hook = join(folder, ".git/hooks/post-commit");
  await installHook(folder);
  const old = readFileSync(hook, "utf8").replace(" FROM_HOOK=1", "");
  writeFileSync(hook, old);
  t.is(await installHook(folder), undefined);
  t.regex(readFileSync(hook, "utf8"), /make --silent deploy FROM_HOOK=1/);
  writeFileSync(hook, old);
  await removeHook(folder);
  t.false(existsSync(hook));
});

test("a few failures in a row are borne while waiting, and more are not", async (t) => {
  const failing = (times: number) => {
    let left = times;
    return async () => {
      left -= 1;
      if (left >= 0) throw new Error("connection reset");
      return "there";
    };
  };
  t.is(await waitFor(60, failing(3)), "there");
  await t.throwsAsync(waitFor(60, failing(100)), { message: "connection reset" });
  await t.throwsAsync(waitFor(0, failing(1)), { message: "connection reset" }, "in time only");
});

test.serial("an API server that is away for a moment is borne, and a refusal is not", async (t) => {
  const gone = { code: 1, stderr: "The connection to the server 127.0.0.1:6443 was refused" };
  const no = { code: 1, stderr: 'Error from server (Forbidden): pods is forbidden: User "x"' };
  const { folder, calls } = fakeProgram("kubectl", { pods: [gone, gone, "there"], nodes: [no] });
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const kubectl = new Kubectl("local", 60);
  t.is(await kubectl.run(["get", "pods"]), "there");
  await t.throwsAsync(kubectl.run(["get", "nodes", "--timeout=5s"]), { message: /Forbidden/ });
  await t.throwsAsync(new Kubectl("local").run(["nothing"]), { message: /no answer to/ });
  t.is(calls().length, 5);
});

test("what is imported leaves the PATH as it is", async (t) => {
  const code = `const before = process.env.PATH;
    await import("${resolve("tools/cli/pinned-tools.ts")}");
    process.exit(process.env.PATH === before ? 0 : 1);`;
  await t.notThrowsAsync(run(process.execPath, ["--input-type=module", "--eval", code]));
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

/** A folder with bundles of both services, each a script that has a line of log to print. */
function bundles(payment: string, antaeus: string): string {
  const folder = temporary();
  for (const [service, code] of Object.entries({ payment, antaeus })) {
    mkdirSync(join(folder, `${service}-service/dist`), { recursive: true });
    const log = "const log = (line) => console.log(JSON.stringify(line));";
    writeFileSync(join(folder, `${service}-service/dist/main.cjs`), `${log}\n${code}`);
  }
  return folder;
}

test("make run and make schemathesis end when a service does, and leave none behind", async (t) => {
  const listening = 'log({ message: "listening", url: "http://127.0.0.1:1" });';
  const stays = `require("node:fs").writeFileSync("pid", String(process.pid));
    setInterval(() => {}, 1000); ${listening}`;
  const ends = bundles('log({ message: "PORT is none" })', "");
  for (const command of ["run", "schemathesis"]) {
    const [succeeded, printed] = await script(command, {}, ends);
    t.false(succeeded);
    t.regex(printed, /payment-service does not start\. .*PORT is none/);
    t.notRegex(printed, /at .*\.ts:/, "no stack");
  }
  const folder = bundles(stays, listening);
  const gone = async () => {
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    return waitFor(10, async () => !existsSync(`/proc/${pid}`) || undefined);
  };
  const [paid, printed] = await script("run", {}, folder);
  t.false(paid);
  t.regex(printed, /Antaeus does not answer at http:\/\/127\.0\.0\.1:1/);
  t.notRegex(printed, /make up|at .*\.ts:/, "there is no cluster");
  t.true(await gone());
  const [asked, missing] = await script("schemathesis", {}, folder);
  t.false(asked);
  t.regex(missing, /Schemathesis is not whole/);
  t.true(await gone());
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
