// make bench-repository: what grows as services are added, by this repository's own commands, in a clone that is thrown away.
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { main, run } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { table } from "../cli/table.ts";
import { growth, logarithmic, type Row } from "../pages/growth.ts";
import { write } from "../pages/layout.ts";
import { table as markdownTable } from "../pages/markdown.ts";
import { median } from "../pages/numbers.ts";
import { findKustomize } from "../render/kustomize.ts";

const sizes = process.env.BENCH_QUICK ? [2, 4] : [2, 10, 30, 100];
const root = mkdtempSync(join(tmpdir(), "repository-bench-"));
process.once("exit", () => rmSync(root, { recursive: true, force: true }));

const git = (...args: string[]) => run("git", ["-C", root, ...args]);
const command = (name: string, options: NodeJS.ProcessEnv) =>
  run(process.execPath, [`tools/commands/${name}.ts`], {
    cwd: root,
    env: { ...process.env, ...options },
  });

/** @returns the median of some runs, in seconds */
async function seconds(body: () => Promise<unknown>, runs = 3): Promise<number> {
  const all: number[] = [];
  for (let number = 0; number < runs; number++) {
    const begin = performance.now();
    await body();
    all.push((performance.now() - begin) / 1000);
  }
  return Math.round((median(all) ?? Number.NaN) * 100) / 100;
}

/** Adds services until there are so many. @returns what the last one took, and what it brought */
async function grow(services: number): Promise<Row> {
  const already = readdirSync(join(root, "apps")).length;
  let last: Row = { "new service s": 0, files: 0, lines: 0 };
  for (let number = already; number < services; number++) {
    const took = await seconds(() => command("new-service", { NAME: `scale-${number}` }), 1);
    await git("add", "--all");
    await git("commit", "--quiet", "--message", `scale-${number}`);
    const stat = await git(
      "show",
      "--shortstat",
      "--format=",
      "HEAD",
      "--",
      ".",
      ":!package-lock.json",
    );
    const [files = 0, lines = 0] = [...stat.matchAll(/\d+/g)].map(Number);
    last = { "new service s": took, files, lines };
  }
  return last;
}

/** A change of one service. */
async function change(services: number): Promise<void> {
  const file = join(root, "apps/payment/overlays/testing/rollout.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/value: ".*"/, `value: "0.${services}"`));
  await git("commit", "--quiet", "--all", "--message", "payment: another share");
}

main(async () => {
  await run("git", ["clone", "--quiet", "--no-hardlinks", ".", root]);
  for (const folder of ["node_modules", ".tools"]) symlinkSync(resolve(folder), join(root, folder));
  await git("checkout", "--quiet", "-B", "main");
  await git("config", "user.name", "bench");
  await git("config", "user.email", "bench@localhost");
  const rows: Row[] = [];
  for (const services of sizes) {
    await step(`${services} services`, async (say) => {
      const last = await grow(services);
      await change(services);
      const kustomize = await findKustomize(root);
      const row = {
        services,
        ...last,
        "render the root s": await seconds(() =>
          kustomize.build(join(root, "clusters/testing/apps")),
        ),
        "preview of one change s": await seconds(() => command("preview", { BASE: "HEAD~1" })),
        "rules s": await seconds(
          () => run("node_modules/.bin/ava", ["tests/manifests/rules.test.ts"], { cwd: root }),
          1,
        ),
      };
      say(JSON.stringify(row));
      rows.push(row);
    });
  }
  const head = Object.keys(rows[0] ?? {});
  console.log(table([head, ...rows.map((row) => Object.values(row))]));
  const columns = Object.fromEntries(
    head.filter((name) => name.endsWith(" s")).map((name) => [name.slice(0, -2), name]),
  );
  const page = [
    "# This repository, as services are added",
    await growth("Seconds", rows.slice(1), "services", columns, logarithmic),
    markdownTable([head, ...rows.map((row) => Object.values(row).map(String))]),
  ];
  write("report/bench-repository.html", page.join("\n\n"));
  console.log("\n▸ report/bench-repository.html has it as a picture.");
});
