import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";

test("make size counts what Git tracks, without tests, and says what is over its limit", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const write = (file: string, count: number) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), "x\n".repeat(count));
  };
  const files = {
    "README.md": 201,
    ".ci/run": 5,
    "tools/a.ts": 7,
    "tools/b/page.css": 11,
    "tools/a.test.ts": 1000,
    "payment-service/src/main.ts": 13,
    "payment-service/src/main.test.ts": 1000,
    "payment-service/tests/helpers.ts": 1000,
    "payment-service/bench/run.ts": 17,
    "payment-service/bench/peers/bare.cjs": 19,
    "antaeus-service/bench/run.ts": 29,
    "packages/kit/src/a.ts": 23,
  };
  for (const [file, count] of Object.entries(files)) write(file, count);
  await run("git", ["-C", root, "init", "--quiet"]);
  await run("git", ["-C", root, "add", "--all"]);
  write("untracked/tools.ts", 1000);

  const rules = ["no-circle", "no-circle-of-folders", "cli-is-the-bottom"];
  const summary = { violations: rules.map((name) => ({ rule: { name } })) };
  const bin = join(root, ".git/bin");
  mkdirSync(bin);
  const depcruise = `#!/bin/sh\necho '${JSON.stringify({ summary })}'\n`;
  writeFileSync(join(bin, "depcruise"), depcruise, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const command = [resolve("tools/commands/size.ts")];
  const printed = await run(process.execPath, command, { cwd: root, env });
  const rows = printed.split("\n").map((line) => line.trim().split(/ {2,}/));
  t.deepEqual(rows, [
    ["what", "now", "at most"],
    ["folders at the top", "5", "11"],
    ["tools: lines without tests", "18", "3600"],
    ["bench: lines without tests", "65", "600"],
    ["services and kit: lines without tests", "36", "1900"],
    ["services and kit: files without tests", "2", "32"],
    ["circles between folders", "2", "0", "2 over"],
    ["README.md: lines", "201", "200", "1 over"],
  ]);
});
