// make branch-protection: GitHub enforces who may merge what, and is asked whether it does.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Advice, main } from "../cli/command.ts";
import { step, warn } from "../cli/progress.ts";
import { type Call, GitHub, nameOnGitHub, Unreachable } from "../github/client.ts";
import { differences, type Ruleset, ruleset, withBumpApp } from "../github/ruleset.ts";

type Stored = Ruleset & { id: number };

/** What a token must be able to do to change rulesets. */
const permission =
  "A token for this has the repository permission Administration: write, and is of somebody who " +
  "administrates the repository; the token that a workflow gets cannot have it.";

// The repository's own, without its organization's. One page has all of them: GitHub allows 75.
const list = (name: string): Call => ({
  method: "GET",
  path: `/repos/${name}/rulesets?includes_parents=false&per_page=100`,
});

const read = (name: string, id: number | string): Call => ({
  method: "GET",
  path: `/repos/${name}/rulesets/${id}`,
});

main(async () => {
  const { dryRun, ours } = wanted();
  const name = nameOnGitHub(readFileSync("clusters/repository/kustomization.yaml", "utf8"));
  const token = process.env.GITHUB_TOKEN ?? "";
  const api = process.env.GITHUB_API_URL || "https://api.github.com";
  const github = new GitHub(api, token, permission);
  if (dryRun) return show(github, name, ours);
  if (!token) {
    throw new Advice(
      `GITHUB_TOKEN holds no token for ${name}. ${permission}\n  make branch-protection DRY_RUN=1 needs none, and shows what would be done.`,
    );
  }
  await step(`Who may merge what in ${name}`, (say) => protect(github, name, ours, say));
});

/** @throws Advice about any other argument: a mistyped dry run must not write */
function wanted(): { dryRun: boolean; ours: Ruleset } {
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
  return { dryRun, ours: withBumpApp(app === undefined ? undefined : Number(app)) };
}

/** Makes the ruleset what it should be, and reads it back. */
async function protect(
  github: GitHub,
  name: string,
  ours: Ruleset,
  say: (line: string) => void,
): Promise<void> {
  const found = await find(github, name);
  const write = writeFor(name, found, ours);
  if (!write) return say("it is as it should be");

  for (const line of found ? differences(found, ours) : ["there is no ruleset yet"]) say(line);
  const { id } = await github.call<Stored>(write);
  const left = differences(await github.call<Stored>(read(name, id)), ours);
  if (left.length > 0) {
    throw new Advice(
      `GitHub took the ruleset, and yet it is not as it should be:\n${left.map((line) => `    ${line}`).join("\n")}`,
    );
  }
  say(`${found ? "put right" : "created"}, and read back: it is as it should be`);
}

/** Shows the calls that protect() would make, and makes none that writes. */
async function show(github: GitHub, name: string, ours: Ruleset): Promise<void> {
  const found = await findIfPossible(github, name);
  const write = writeFor(name, found, ours);
  const calls = [
    list(name),
    ...(found ? [read(name, found.id)] : []),
    ...(write ? [write, read(name, found?.id ?? "{id}")] : []),
  ];
  for (const call of calls) console.log(github.show(call));
  for (const line of found ? differences(found, ours) : []) console.log(`  ${line}`);
  console.log(write ? "▸ A dry run: nothing was written." : "▸ It is as it should be.");
}

async function findIfPossible(github: GitHub, name: string): Promise<Stored | undefined> {
  if (!github.token) {
    warn("GITHUB_TOKEN holds no token, so GitHub was not asked: this shows a first application.");
    return;
  }
  return find(github, name).catch((error: Error) => {
    if (!(error instanceof Unreachable)) throw error;
    warn(`${error.message} So this shows a first application.`);
    return undefined;
  });
}

/** The ruleset as GitHub has it, if it does. */
async function find(github: GitHub, name: string): Promise<Stored | undefined> {
  const rulesets = await github.call<Stored[]>(list(name));
  const found = rulesets.find((other) => other.name === ruleset.name);
  // The list has no rules.
  return found && github.call<Stored>(read(name, found.id));
}

/** The call that makes it what it should be; none when it is. */
function writeFor(name: string, found: Stored | undefined, ours: Ruleset): Call | undefined {
  if (!found) return { method: "POST", path: `/repos/${name}/rulesets`, body: ours };
  if (differences(found, ours).length === 0) return undefined;
  return { ...read(name, found.id), method: "PUT", body: ours };
}
