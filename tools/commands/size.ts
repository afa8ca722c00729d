// make size: how large this repository is, each number beside what it may be at most.
import { readFileSync } from "node:fs";
import { main, run } from "../cli/command.ts";
import { table } from "../cli/table.ts";
import { git } from "../git/git.ts";

const isTest = (file: string) => /\.test\.ts$|(^|\/)tests\//.test(file);
const isBench = (file: string) => /^[\w-]+-service\/bench\//.test(file);

main(async () => {
  const files = (await git(["ls-files", "-z"])).split("\0").filter(Boolean);
  const ours = (under: RegExp, endings: RegExp) =>
    files.filter((file) => under.test(file) && endings.test(file) && !isTest(file));
  const top = files.filter((file) => file.includes("/")).map((file) => file.split("/")[0] ?? "");
  const folders = [...new Set(top)];
  const services = ours(/^(packages\/|[\w-]+-service\/)/, /\.ts$/).filter((file) => !isBench(file));
  const bench = ours(/^[\w-]+-service\/bench\//, /\.(ts|cjs|py)$/);
  const numbers: [what: string, now: number, atMost: number][] = [
    ["folders at the top", folders.length, 11],
    ["tools: lines without tests", lines(ours(/^tools\//, /\.(ts|css)$/)), 3600],
    ["bench: lines without tests", lines(bench), 600],
    ["services and kit: lines without tests", lines(services), 1900],
    ["services and kit: files without tests", services.length, 32],
    ["circles between folders", await circles(folders), 0],
    ["README.md: lines", lines(["README.md"]), 200],
  ];
  const mark = (now: number, atMost: number) => (now > atMost ? `${now - atMost} over` : "");
  const rows = numbers.map(([what, now, atMost]) => [what, now, atMost, mark(now, atMost)]);
  console.log(table([["what", "now", "at most", ""], ...rows]));
});

const lines = (files: string[]): number =>
  files.reduce((sum, file) => sum + (readFileSync(file, "utf8").match(/\n/g)?.length ?? 0), 0);

/** Circles of files and of folders where code is, as dependency-cruiser finds them in make test. */
async function circles(folders: string[]): Promise<number> {
  const code = folders.filter((one) => /^(tools|tests|packages|.*-service)$/.test(one));
  const { summary } = JSON.parse(await run("depcruise", ["--output-type", "json", ...code]));
  const all = summary.violations as { rule: { name: string } }[];
  return all.filter(({ rule }) => rule.name.startsWith("no-circle")).length;
}
