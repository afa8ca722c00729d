import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import { omissions } from "../manifests/lists.ts";
import { each } from "../manifests/rule.ts";
import { rules } from "../manifests/rules.ts";
import { tenancy } from "../manifests/tenancy.ts";
import { Repository } from "../support/repository.ts";

const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const tracked = ["ls-files", "--cached", "--others", "--exclude-standard"];

/** A clone of this working copy as it is now, with its changes committed and its packages at hand. */
async function clone(): Promise<string> {
  const root = mkdtempSync(join(folder, "clone-"));
  for (const file of (await run("git", tracked)).split("\n").filter((file) => existsSync(file))) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file));
  }
  await run("git", ["init", "--quiet"], { cwd: root });
  await commit(root, "as it is");
  link("node_modules", join(root, "node_modules"));
  return root;
}

/** Packages of this working copy, but not what tools keep beside them. */
function link(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from).filter((name) => name !== ".cache"))
    symlinkSync(resolve(from, name), join(to, name));
}

async function commit(root: string, message: string): Promise<void> {
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  await run("git", ["add", "--all"], { cwd: root });
  await run("git", [...author, "commit", "--quiet", "--no-verify", "--message", message], {
    cwd: root,
  });
}

/** Runs a command in a folder. @returns whether it succeeded, and all that it printed */
const inFolder = (cwd: string, command: string, ...args: string[]) =>
  inEnv({}, cwd, command, ...args);

/** The same, with variables. */
async function inEnv(options: NodeJS.ProcessEnv, cwd: string, command: string, ...args: string[]) {
  const env = { ...process.env, ...options };
  return run(command, args, { cwd, env, both: true }).then(
    (printed) => ({ succeeded: true, printed }),
    (error: Error) => ({ succeeded: false, printed: error.message }),
  );
}

const make = (root: string, what: string, name: string) =>
  inEnv({ NAME: name }, root, process.execPath, `tools/commands/new-${what}.ts`);

/** A clone with a service and an environment more, and the files that both commands changed or wrote. */
const scaffolded = clone().then(async (root) => {
  const printed: string[] = [];
  for (const [what, name] of [
    ["service", "invoices-mail"],
    ["environment", "staging"],
    ["service", "mail2"],
  ] as const) {
    const made = await make(root, what, name);
    if (!made.succeeded) throw new Error(made.printed);
    printed.push(made.printed);
  }
  const status = await run("git", ["status", "--porcelain", "--untracked-files=all"], {
    cwd: root,
  });
  const files = status.split("\n").map((line) => ({ is: line.slice(0, 2), file: line.slice(3) }));
  await commit(root, "more");
  return { root, printed: printed.join("\n"), files };
});

test("a new service and a new environment are in every place, and break no rule", async (t) => {
  const repository = new Repository((await scaffolded).root);
  t.deepEqual(repository.services, ["antaeus", "invoices-mail", "mail2", "payment"]);
  t.true(repository.environments.includes("staging"));
  for (const { title, check } of rules) t.deepEqual(await check(repository), [], title);
});

test("the tests of the manifests pass with them", async (t) => {
  const { root } = await scaffolded;
  const ava = ["node_modules/.bin/ava", "tests/manifests/manifests.test.ts"] as const;
  const { succeeded, printed } = await inFolder(root, ...ava);
  t.true(succeeded, printed);
  t.regex(printed, /staging: a laptop differs/);
});

test("what they write is formatted, and compiles", async (t) => {
  const { root } = await scaffolded;
  const compile = ["tsc", "--project", "invoices-mail-service"];
  for (const command of [["biome", "ci"], ["tsc"], compile]) {
    const [tool = "", ...args] = command;
    const { succeeded, printed } = await inFolder(root, `node_modules/.bin/${tool}`, ...args);
    t.true(succeeded, printed);
  }
  const service = join(root, "invoices-mail-service");
  const tests = await inFolder(service, "npm", "test");
  t.true(tests.succeeded, tests.printed);
});

test("the bundle of a new service is built, serves, and says what runs", async (t) => {
  const service = join((await scaffolded).root, "invoices-mail-service");
  const build = await inFolder(service, "env", "BUILD_COMMIT=1a2b3c4d", "npm", "run", "build");
  t.true(build.succeeded, build.printed);
  const child = spawn(process.execPath, ["dist/main.cjs"], {
    cwd: service,
    env: { HOST: "127.0.0.1", PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  const health = await fetch(`${JSON.parse(line).url}/health`);
  t.deepEqual(await health.json(), { status: "ok", version: "1.0.0", commit: "1a2b3c4d" });

  const libraries = join(folder, "libraries");
  writeFileSync(libraries, "/lib/libc.so.6 libc6 2.36 amd64\n");
  const args = ["run", "--silent", "sbom", "--", libraries, "/main.cjs"];
  const sbom = await inFolder(service, "npm", ...args);
  t.true(sbom.succeeded, sbom.printed);
  for (const purl of ["pkg:npm/joi@", "pkg:deb/debian/libc6@", "pkg:generic/node@"])
    t.true(sbom.printed.includes(purl), purl);
});

test("the Dockerfile of a new service takes what is there, and names no other service", async (t) => {
  const { root } = await scaffolded;
  const dockerfile = readFileSync(join(root, "mail2-service/Dockerfile"), "utf8");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files = ""]) =>
    files.split(" "),
  );
  t.true(copied.includes("mail2-service"));
  for (const file of copied) t.true(existsSync(join(root, file)), file);
  t.notRegex(dockerfile, /template|antaeus|payment/);
});

test("the lockfile knows the new service, and takes nothing new for it", async (t) => {
  const { root } = await scaffolded;
  const { succeeded, printed } = await inFolder(root, "npm", "ci", "--dry-run", "--offline");
  t.true(succeeded, printed);
  const packages = (folder: string) =>
    JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
  const known = packages(root);
  t.deepEqual(known["node_modules/mail2-service"], { resolved: "mail2-service", link: true });
  t.deepEqual(Object.keys(known["mail2-service"].dependencies), [
    "@hapi/hapi",
    "joi",
    "service-kit",
  ]);
  const before = packages(".");
  const added = Object.keys(known).filter((path) => !(path in before));
  t.deepEqual(added.sort(), [
    "invoices-mail-service",
    "mail2-service",
    "node_modules/invoices-mail-service",
    "node_modules/mail2-service",
  ]);
});

test("nothing of payment's alone is copied, and every new file was named", async (t) => {
  const { root, printed, files } = await scaffolded;
  for (const { is, file } of files) {
    t.true(printed.includes(`${is === "??" ? "+" : "~"} ${file}`), file);
    const ofService = file.includes("invoices-mail") || file.startsWith("mail2-service/");
    if (is === "??" && ofService)
      t.notRegex(readFileSync(join(root, file), "utf8"), /\b(payment|charge|antaeus)\b/i, file);
  }
  t.true(files.some(({ is }) => is === "??") && files.some(({ is }) => is === " M"));
});

test("the check itself: a list without the new service, and a file that is missing, are found", async (t) => {
  const { root, files } = await scaffolded;
  const copy = join(folder, "control");
  cpSync(root, copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const git = (...args: string[]) => run("git", args, { cwd: copy });
  for (const { file } of files.filter(({ is }) => is === " M")) {
    await git("checkout", "--quiet", "HEAD~", "--", file);
    t.true(
      omissions(new Repository(copy)).some((one) => one.startsWith(`${file} has no `)),
      file,
    );
    await git("checkout", "--quiet", "HEAD", "--", file);
  }
  for (const file of [
    "argocd/projects/mail2.yaml",
    "apps/mail2/overlays/staging/kustomization.yaml",
    "clusters/staging/apps/mail2.yaml",
    "clusters/base/namespaces/app-mail2/deployer.yaml",
    "mail2-service/Dockerfile",
    "clusters/local/staging/kustomization.yaml",
  ]) {
    rmSync(join(copy, file));
    t.deepEqual(omissions(new Repository(copy)), [`there is no ${file}`]);
    await git("checkout", "--quiet", "HEAD", "--", file);
  }
  // What no list names is found when it is rendered.
  rmSync(join(copy, "clusters/base/namespaces/app-mail2/network-policies.yaml"));
  const broken = new Repository(copy);
  await t.throwsAsync(
    each(tenancy, ({ check }) => check(broken)),
    { message: /network-policies\.yaml/ },
  );
});

const refused: [what: string, kind: string, name: string, advice: RegExp][] = [
  ["no name", "service", "", /make new-service NAME=invoices-mail/],
  ["no name", "environment", "", /make new-environment NAME=staging/],
  ["a taken name", "service", "payment", /payment is taken/],
  ["a taken name", "environment", "production", /production is taken/],
  ["the first word of a runtime's variables", "service", "node", /node is taken/],
  ["the platform's name", "service", "platform", /platform is taken/],
  ["a name with another meaning", "environment", "local", /local is taken/],
  ["a folder of clusters/local", "environment", "argocd", /argocd is taken/],
  ["the root Application's name", "service", "root", /root is taken/],
  ["another Application's name", "service", "metrics", /metrics is taken/],
  ["a project's name", "service", "argocd", /argocd is taken/],
  ["the name of every list", "service", "kustomization", /kustomization is taken/],
  ["capitals", "service", "Mail", /NAME must be a name of letters/],
  ["a path", "service", "../mail", /NAME must be a name of letters/],
  ["a hyphen at the end", "environment", "staging-", /cannot be the name/],
  ["spaces", "service", "invoices mail", /NAME must be a name of letters/],
  ["a name that is too long", "service", "m".repeat(41), /at most 40/],
  ...["y", "n", "yes", "no", "on", "off", "true", "false", "null"].map(
    (word): [string, string, string, RegExp] => [
      `YAML's ${word}`,
      word === "no" ? "environment" : "service",
      word,
      /in YAML it is a value/,
    ],
  ),
  ["-service at the end", "service", "mail-service", /Leave the end of mail-service off/],
];
test("a name that will not do is refused, and nothing is written", async (t) => {
  const root = await clone();
  const application = "kind: Application\nmetadata:\n  name: metrics\n";
  writeFileSync(join(root, "clusters/production/apps/scraper.yaml"), application);
  await commit(root, "an Application in a file of another name");
  for (const [what, kind, name, advice] of refused) {
    const { succeeded, printed } = await make(root, kind, name);
    t.false(succeeded, what);
    t.regex(printed, advice, what);
    t.notRegex(printed, /at .*\.ts:/, "no stack");
  }
  t.is(await run("git", ["status", "--porcelain"], { cwd: root }), "");
});

test("a second time is refused, and so is a folder that is in the way; nothing is lost", async (t) => {
  const { root } = await scaffolded;
  t.regex((await make(root, "service", "mail2")).printed, /mail2 is taken/);
  t.regex((await make(root, "environment", "staging")).printed, /staging is taken/);
  const other = await clone();
  const mine = join(other, "bills-service/Dockerfile");
  mkdirSync(dirname(mine));
  cpSync("README.md", mine);
  const { succeeded, printed } = await make(other, "service", "bills");
  t.false(succeeded);
  t.regex(printed, /bills-service\/Dockerfile is there already/);
  t.deepEqual(readFileSync(mine), readFileSync("README.md"));
  t.is(await run("git", ["status", "--porcelain"], { cwd: other }), "?? bills-service/");
});

test("docs/delivery.md's commands add a service and an environment", async (t) => {
  const root = await clone();
  for (const [field, value] of Object.entries({ name: "test", email: "test@localhost" }))
    await run("git", ["config", `user.${field}`, value], { cwd: root });
  const blocks = commandsUnder("docs/delivery.md", "Add a service");
  t.is(blocks.length, 2);
  for (const commands of blocks) {
    const { succeeded, printed } = await inFolder(root, "bash", "-ec", commands);
    t.true(succeeded, printed);
  }
  t.is(await run("git", ["status", "--porcelain"], { cwd: root }), "", "all is committed");
  const made = [
    "invoices-mail-service/src/main.ts",
    "apps/invoices-mail/overlays/staging/kustomization.yaml",
  ];
  for (const file of made) t.true(existsSync(join(root, file)), file);
  t.deepEqual(omissions(new Repository(root)), []);
});
