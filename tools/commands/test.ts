// make test, the last part: the tests of this repository, by AVA. What this machine cannot run is left out, and said in
// the last line. At CI nothing is left out.
import { globSync } from "node:fs";
import { main, run, UserError } from "../cli/command.ts";
import { findTool, pinned, type ToolName } from "../cli/pinned-tools.ts";
import { warn } from "../cli/progress.ts";
import { findKustomize } from "../render/kustomize.ts";

/** Tests that render manifests. */
const rendering = ["manifests/*", "tools/deploy-a-change", "tools/preview", "tools/scaffold"].map(
  (name) => `tests/${name}.test.ts`,
);
/** And those of their neighbours that do not. */
const reading = ["workflows", "dependencies"].map((name) => `tests/manifests/${name}.test.ts`);

/** Folders of which each one builds on a release elsewhere. */
const onReleases = ["argocd/install", "clusters/local/metrics-server"];

/** Programs without which a file leaves some of its tests out by itself, and what they check. */
const checkers: [name: ToolName, what: string][] = [
  ["actionlint", "the workflows"],
  ["zizmor", "the workflows"],
  ["promtool", "the alerts"],
];

main(async () => {
  const patterns = process.argv.slice(2);
  const leftOut: string[] = [];
  const why = await whyNotRendered();
  if (why) {
    const others = [...reading, ...patterns.map((pattern) => pattern.replace(/^!/, ""))];
    const files = globSync(rendering).filter((file) => !others.includes(file));
    patterns.push(...files.map((file) => `!${file}`));
    leftOut.push(`${files.length} files of tests that render manifests (${why})`);
  }
  for (const [name, what] of checkers) {
    if (await findTool(name)) continue;
    leftOut.push(`what ${name} says of ${what} (${name} ${pinned(name)} is not here)`);
  }
  if (process.env.CI && leftOut.length > 0) {
    throw new UserError(`At CI every test has to run, and these cannot: ${leftOut.join("; ")}.`);
  }
  const passed = await run("ava", patterns, { show: true }).then(
    () => true,
    () => false,
  );
  if (leftOut.length > 0) warn(`Left out: ${leftOut.join("; ")}. make install-asdf-tools helps.`);
  if (!passed) process.exitCode = 1;
});

/** @returns in one line why no manifests can be rendered here; nothing where they can */
async function whyNotRendered(): Promise<string | undefined> {
  try {
    const { build } = await findKustomize();
    for (const folder of onReleases) await build(folder);
    return undefined;
  } catch (error) {
    const lines = (error as Error).message.split("\n").filter((line) => line.trim());
    const said = error instanceof UserError ? lines[0] : lines.find((line) => /error/i.test(line));
    return (said ?? lines[0] ?? "").trim().replace(/\.$/, "").slice(0, 200);
  }
}
