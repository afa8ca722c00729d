import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type ExecutionContext } from "ava";
import { run } from "../../tools/cli/command.ts";
import { restorePod, restoreProgram } from "../../tools/kubernetes/restore.ts";

/** An empty working copy. */
function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(made, { recursive: true }));
  return made;
}

/** Calls a function of tools/local/backup.ts in a working copy. */
const call = (cwd: string, expression: string) => {
  const module = `const tool = await import(${JSON.stringify(resolve("tools/local/backup.ts"))});`;
  const print = `console.log(tool.${expression} ?? "")`;
  const options = ["--input-type=module", "--eval", module + print];
  return run(process.execPath, options, { cwd });
};

test("a new cluster begins with an empty backup, and that of an earlier one is kept beside", async (t) => {
  const cwd = folder(t);
  t.is(await call(cwd, "backupLeft()"), "");
  t.is(await call(cwd, "backupFolder(false)"), "");
  t.deepEqual(readdirSync(join(cwd, ".backup/now")), []);
  t.is(await call(cwd, "backupFolder(false)"), "", "an empty one is none");
  mkdirSync(join(cwd, ".backup/now/ltx"));
  t.regex(
    await call(cwd, "backupLeft()"),
    /left in \.backup\/now: make up RESTORE=1 .* rm -r \.backup/,
  );

  t.is(await call(cwd, "backupFolder(true)"), "");
  t.true(existsSync(join(cwd, ".backup/now/ltx")), "RESTORE=1 keeps it");
  const aside = await call(cwd, "backupFolder(false)");
  t.regex(aside, /^\.backup\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
  t.true(existsSync(join(cwd, aside, "ltx")));
  t.deepEqual(readdirSync(join(cwd, ".backup/now")), []);
});

const restore = (cwd: string, TIME: string, kubectl = "exit 1") => {
  writeFileSync(join(cwd, "kubectl"), `#!/bin/sh\n${kubectl}\n`, { mode: 0o755 });
  return run(process.execPath, [resolve("tools/commands/restore.ts")], {
    cwd,
    env: { PATH: `${cwd}:/bin`, TIME },
    both: true,
  });
};

test("make restore wants a moment that has passed", async (t) => {
  const cwd = folder(t);
  for (const time of [
    "",
    "yesterday",
    "2026-11-30",
    "2026-13-41T12:00:00Z",
    "2999-01-01T00:00:00Z",
  ])
    await t.throwsAsync(restore(cwd, time), { message: /TIME must be a moment that has passed/ });
});

/** A cluster by its answers. @returns what make restore said, and what it changed there */
async function restored(
  t: ExecutionContext,
  {
    containers = '"initContainers":[{"name":"restore"}]',
    syncPolicy = {},
    there = "",
    create = "echo",
  },
) {
  const cwd = folder(t);
  const kubectl = `echo "$@" >>log; case "$*" in
    *" get deployment "*) echo '{"spec":{"template":{"spec":{${containers}}}}}' ;;
    *" get applications"*) echo '${JSON.stringify({ spec: { syncPolicy } })}' ;;
    *" get pod/antaeus-restore "*jsonpath*) echo Failed ;;
    *" get pod/antaeus-restore "*) echo "${there}"; cat made 2>/dev/null ;;
    *" create "*) ${create} ;;
    *" logs "*) echo 'Error: no matching backup files available' ;;
    *) echo here ;; esac; exit 0`;
  const error = await t.throwsAsync(restore(cwd, "2020-01-01T00:00:00Z", kubectl));
  const log = (await run("cat", ["log"], { cwd })).split("\n");
  const done = log.flatMap((line) => /"enabled":\w+|--replicas=\d|create|delete/.exec(line) ?? []);
  return { said: error?.message ?? "", done };
}

const stopped = ["--replicas=0", "delete", "create"];
for (const [what, cluster, says, changes] of [
  ["no backup", { containers: '"containers":[]' }, /has no backup on this cluster/, []],
  ["a restore that goes on", { there: "pod/antaeus-restore" }, /A restore goes on/, []],
  [
    "a restore that begins at once",
    { create: "echo pod/antaeus-restore >made; echo AlreadyExists >&2; exit 1" },
    /A restore goes on/,
    stopped,
  ],
  [
    "auto-sync on",
    { syncPolicy: { automated: { enabled: true } } },
    /Antaeus goes on as before\. Error: no matching backup files available/,
    ['"enabled":false', ...stopped, "delete", "--replicas=1", '"enabled":true'],
  ],
  [
    "auto-sync off",
    { syncPolicy: { automated: { enabled: false } } },
    /Antaeus goes on as before/,
    [...stopped, "delete", "--replicas=1"],
  ],
  [
    "no auto-sync",
    { syncPolicy: {} },
    /Antaeus goes on as before/,
    [...stopped, "delete", "--replicas=1"],
  ],
] as const)
  test(`make restore, where nothing can be restored, leaves things as they were: ${what}`, async (t) => {
    const { said, done } = await restored(t, cluster);
    t.regex(said, says);
    t.deepEqual(done, [...changes]);
  });

test("the pod that restores is Antaeus' own but for its containers", (t) => {
  const litestream = { name: "restore", image: "one", envFrom: [{ secretRef: { name: "keys" } }] };
  const spec = {
    initContainers: [litestream, { name: "backup" }],
    volumes: ["data"],
    containers: [1],
  };
  const pod = restorePod(spec, "now", "/data/before");
  t.like(pod?.spec, { volumes: ["data"], restartPolicy: "Never" });
  t.false("initContainers" in (pod?.spec ?? {}));
  t.like(pod?.spec.containers[0], { ...litestream, args: ["now", "/data/before"] });
});

/** The rows of a file alone, as after its WAL was lost. */
function rows(t: ExecutionContext, file: string): number {
  const alone = join(folder(t), "db");
  copyFileSync(file, alone);
  const db = new DatabaseSync(alone);
  const { count } = db.prepare("SELECT count(*) AS count FROM invoice").get() as { count: number };
  db.close();
  return count;
}

/** A database of that many rows, all but the first of them in its WAL. */
function database(t: ExecutionContext, file: string, count: number): void {
  const source = join(folder(t), "db");
  const db = new DatabaseSync(source);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE invoice (id); INSERT INTO invoice VALUES (1)");
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  for (let id = 2; id <= count; id += 1) db.exec(`INSERT INTO invoice VALUES (${id})`);
  for (const end of ["", "-wal"]) copyFileSync(source + end, file + end);
  db.close();
}

test("the program that restores, killed at any moment, leaves a whole database or none", async (t) => {
  const [old, restored] = [5, 3];
  for (const damaged of [false, true]) {
    const states = [];
    for (let killed = 1; states.at(-1) !== restored; killed += 1) {
      const cwd = folder(t);
      const file = join(cwd, "antaeus.db");
      database(t, file, old);
      if (damaged) writeFileSync(file, "damaged");
      mkdirSync(join(cwd, ".antaeus.db-litestream"));
      const source = join(folder(t), "restored.db");
      database(t, source, restored);
      const whole = new DatabaseSync(source);
      whole.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      whole.close();
      const stub = join(folder(t), "stub.cjs");
      writeFileSync(
        stub,
        `const fs = require("node:fs");
        require("node:child_process").spawnSync = (_program, args) => {
          fs.copyFileSync(${JSON.stringify(source)}, args[args.indexOf("-o") + 1]);
          return { status: 0 };
        };
        const { renameSync } = fs;
        let calls = 0;
        fs.renameSync = (...names) => {
          if (++calls === ${killed}) process.exit(137);
          renameSync(...names);
        };`,
      );
      const args = ["--require", stub, "-e", restoreProgram, "now", join(cwd, "before"), cwd];
      const ended = await run(process.execPath, args).then(
        () => true,
        ({ message }: Error) => !/failed \(137\)/.test(message) && t.fail(message),
      );
      const isOld = killed === 1 && damaged;
      if (isOld) t.is(readFileSync(file, "utf8"), "damaged");
      states.push(isOld ? old : existsSync(file) && rows(t, file));
      const wal = `${file}-wal`;
      if (!damaged) t.true(!existsSync(wal) || statSync(wal).size === 0);
      t.is(states.at(-1) === restored, ended);
      if (ended && !damaged) t.is(rows(t, join(cwd, "before/antaeus.db")), old);
      t.true(killed < 10);
    }
    const none = states.slice(1, -1);
    t.deepEqual(states, [old, ...none.map(() => false), restored]);
    t.true(none.length > 0);
  }
});
