import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { pinned } from "../../tools/cli/pinned-tools.ts";
import { kustomizeReleases, programOf, type Releases } from "../../tools/cli/release.ts";

const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
test.after.always(() => rmSync(root, { recursive: true }));

/** What a machine has on its PATH, each a line of shell; ava is there in any case, and prints what it is given. */
type Programs = Record<string, string>;

/** Runs the last part of make test, on a machine that reaches no other. @returns whether it succeeded, what it said */
async function makeTest(programs: Programs, options: NodeJS.ProcessEnv = {}) {
  const cwd = mkdtempSync(join(root, "work-"));
  const bin = mkdtempSync(join(root, "bin-"));
  for (const file of ["manifests/rules", "manifests/workflows", "tools/preview", "tools/bump"]) {
    mkdirSync(join(cwd, "tests", file, ".."), { recursive: true });
    writeFileSync(join(cwd, `tests/${file}.test.ts`), "");
  }
  const all = { ava: 'echo "ava $*"', ...programs };
  for (const [name, line] of Object.entries(all)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  // A proxy that nobody answers at.
  const offline = { NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: "http://127.0.0.1:9" };
  const env = { PATH: bin, NO_COLOR: "1", ...offline, ...options };
  const command = [resolve("tools/commands/test.ts"), "tests/**"];
  return run(process.execPath, command, { cwd, env, both: true }).then(
    (printed) => ({ succeeded: true, printed }),
    (error: Error) => ({ succeeded: false, printed: error.message }),
  );
}

const lastLine = (printed: string) => printed.trim().split("\n").at(-1) ?? "";
const whole: Programs = {
  kustomize: `if [ "$1" = version ]; then echo v${pinned("kustomize")}; fi`,
  actionlint: `echo ${pinned("actionlint")}`,
  zizmor: `echo zizmor ${pinned("zizmor")}`,
  promtool: `echo "promtool, version ${pinned("promtool")} (branch: HEAD)"`,
};

test("where everything is there, nothing is left out", async (t) => {
  for (const options of [{}, { CI: "true" }]) {
    const { succeeded, printed } = await makeTest(whole, options);
    t.true(succeeded, printed);
    t.is(printed, "ava tests/**");
  }
});

test("on a bare machine the tests that render are left out, and the last line says what and why", async (t) => {
  const { succeeded, printed } = await makeTest({});
  t.true(succeeded, printed);
  t.regex(printed, /^ava tests\/\*\* (?=.*!tests\/manifests\/rules)(?=.*!tests\/tools\/preview)/m);
  t.notRegex(printed, /!tests\/(manifests\/workflows|tools\/bump)/);
  const line = lastLine(printed);
  t.regex(line, /^! Left out: 2 files of tests that render manifests \(Nothing here renders.*Go/);
  t.regex(
    line,
    /actionlint \d.* is not here.*zizmor \d.* is not here.*alerts \(promtool \d.* is not here/,
  );
});

test("Argo CD's release that cannot be had is a reason too, in one line", async (t) => {
  const kustomize = `${whole.kustomize}; if [ "$1" = build ]; then echo Error: no route to a host >&2; exit 1; fi`;
  const { succeeded, printed } = await makeTest({ ...whole, kustomize });
  t.true(succeeded, printed);
  t.regex(lastLine(printed), /Left out: 2 files .*\(Error: no route to a host\)\./);
});

test("at CI a tool that is missing is an error, and no test is run", async (t) => {
  for (const name of Object.keys(whole)) {
    const { [name]: _, ...rest } = whole;
    const { succeeded, printed } = await makeTest(rest, { CI: "true" });
    t.false(succeeded, name);
    t.regex(printed, new RegExp(`At CI every test has to run.*(${name}|render)`));
    t.notRegex(printed, /^ava /m);
  }
});

test("tests that fail make it fail, and what was left out is said all the same", async (t) => {
  const { succeeded, printed } = await makeTest({ ava: "exit 1" });
  t.false(succeeded);
  t.regex(lastLine(printed), /^! Left out: /);
});

/** A gzipped tar archive of these files. */
function archived(files: Record<string, string>): Buffer {
  const folder = mkdtempSync(join(root, "archive-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return execFileSync("tar", ["-czf", "-", "-C", folder, ...Object.keys(files)]);
}

/** A place that has an archive, and what is known of it. */
async function release(t: ExecutionContext, archive: Buffer, status = 200): Promise<Releases> {
  const server = createServer((_request, response) => response.writeHead(status).end(archive));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    archive: (version, platform) => `tool-${version}-${platform}`,
    url: (version, archive) => `http://127.0.0.1:${port}/${version}/${archive}`,
    sha256: { "tool-1.0.0-linux_amd64": createHash("sha256").update(archive).digest("hex") },
  };
}

test("a program is taken out of its release, if that is the one that was released", async (t) => {
  const archive = archived({ LICENSE: "x".repeat(600), tool: "the program", more: "y" });
  const good = await release(t, archive);
  t.is((await programOf(good, "1.0.0", "tool", "linux_amd64")).toString(), "the program");

  const wrong = { ...good, sha256: { "tool-1.0.0-linux_amd64": "0".repeat(64) } };
  const message = (releases: Releases, name = "tool", platform = "linux_amd64") =>
    t
      .throwsAsync(programOf(releases, "1.0.0", name, platform))
      .then((error) => error?.message ?? "");
  t.regex(await message(wrong), /is not what was released: its SHA-256 is [0-9a-f]{64}/);
  t.regex(await message(good, "tools"), /There is no tools in the archive/);
  t.regex(
    await message(good, "tool", "plan9_mips"),
    /No checksum of tool-1.0.0-plan9_mips is known/,
  );
  t.regex(await message(await release(t, archive, 404)), /answers 404/);
  const nowhere = { ...good, url: () => "http://127.0.0.1:9/" };
  t.regex(await message(nowhere), /127\.0\.0\.1:9 does not answer/);
});

test("the pinned Kustomize has a checksum for every platform that people work on", (t) => {
  const { archive, sha256 } = kustomizeReleases;
  const platforms = ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"];
  const archives = platforms.map((platform) => archive(pinned("kustomize"), platform));
  t.deepEqual(Object.keys(sha256).sort(), archives, "checksums.txt of the release has them");
  for (const sum of Object.values(sha256)) t.regex(sum, /^[0-9a-f]{64}$/);
});
