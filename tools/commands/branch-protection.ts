// make branch-protection: GitHub enforces .github/ruleset.json, and is asked whether it does.
import { parseArgs } from "node:util";
import { Advice, main } from "../cli/command.ts";
import { warn } from "../cli/progress.ts";
import { nameOnGitHub } from "../github/client.ts";
import { gh, howToSignIn, isSignedIn, shown } from "../github/gh.ts";
import { differences, type Ruleset, ruleset } from "../github/ruleset.ts";

type Stored = Ruleset & { id: number };

const needs =
  "A token for this has the repository permission Administration: write, and is of somebody who " +
  "administers the repository; the token that a workflow gets cannot have it.";

main(async () => {
  const { dryRun, bumpApp } = wanted();
  const rulesets = `repos/${nameOnGitHub()}/rulesets`;
  const ours = ruleset(bumpApp);
  const call = async <T>(args: string[], input?: string): Promise<T> =>
    JSON.parse(await gh(["api", ...args], needs, input));
  const read = (id: number) => call<Stored>([`${rulesets}/${id}`]);
  /** The ruleset of that name as GitHub has it; the list, which has no rules, fits one page: GitHub allows 75. */
  const find = async (): Promise<Stored | undefined> => {
    // Without those of its organization.
    const list = await call<Stored[]>([`${rulesets}?includes_parents=false&per_page=100`]);
    const found = list.find(({ name }) => name === ours.name);
    return found && read(found.id);
  };

  let unknown = (await isSignedIn()) ? "" : howToSignIn;
  const found = unknown
    ? undefined
    : await find().catch((error: Error) => {
        if (!dryRun) throw error;
        unknown = error.message;
        return undefined;
      });
  const before = found && differences(found, ours);
  if (before === "") return console.log("▸ It is as it should be.");
  if (before) console.log(before);

  const write = found
    ? ["--method", "PUT", `${rulesets}/${found.id}`, "--input", "-"]
    : ["--method", "POST", rulesets, "--input", "-"];
  const body = JSON.stringify(ours, null, 2);
  if (dryRun || unknown) console.log(shown(["api", ...write], body));
  if (unknown) {
    const why = `GitHub was not asked, so this shows a first application. ${unknown}`;
    if (!dryRun) throw new Advice(`${why} ${needs}`);
    warn(why);
  }
  if (dryRun) return console.log("▸ A dry run: nothing was written.");

  const { id } = await call<Stored>(write, body);
  const left = differences(await read(id), ours);
  if (left)
    throw new Advice(`GitHub took the ruleset, and yet it is not as it should be:\n${left}`);
  console.log(`▸ ${found ? "Put right" : "Created"}, and read back: it is as it should be.`);
});

/** @throws Advice about any other argument: a mistyped dry run must not write */
function wanted(): { dryRun: boolean; bumpApp: number | undefined } {
  const options = { "dry-run": { type: "boolean" }, "bump-app": { type: "string" } } as const;
  let values: { "dry-run"?: boolean; "bump-app"?: string };
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new Advice((error as Error).message);
  }
  const { "dry-run": dryRun = false, "bump-app": app } = values;
  if (app !== undefined && !/^[1-9]\d*$/.test(app)) {
    throw new Advice(
      `BUMP_APP must be the number that the App's settings call App ID, and is "${app}".`,
    );
  }
  return { dryRun, bumpApp: app === undefined ? undefined : Number(app) };
}
