// make branch-protection: GitHub enforces .github/ruleset.json, and is asked whether it does.
import { main, UserError } from "../cli/command.ts";
import { flagOption, option } from "../cli/options.ts";
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
  const repository = `repos/${nameOnGitHub()}`;
  const rulesets = `${repository}/rulesets`;
  const ours = ruleset(bumpApp);
  const { found, unknown } = await look(rulesets, ours.name);
  if (!unknown) await checkOwners(repository);
  const before = found && differences(found, ours);
  if (before === "") return console.log("▸ It is as it should be.");
  if (before) console.log(before);

  const [method, path] = found ? ["PUT", `${rulesets}/${found.id}`] : ["POST", rulesets];
  const write = ["--method", method, path, "--input", "-"];
  const body = JSON.stringify(ours, null, 2);
  if (dryRun || unknown) console.log(shown(["api", ...write], body));
  if (unknown && !dryRun) throw new UserError(`Nothing was written. ${unknown}`);
  if (unknown) warn(`What GitHub has is not known, so this is a first application. ${unknown}`);
  if (dryRun) return console.log("▸ A dry run: nothing was written.");

  const { id } = await call<Stored>(write, body);
  const left = differences(await call<Stored>([`${rulesets}/${id}`]), ours);
  if (!left) {
    const done = found ? "Put right" : "Created";
    return console.log(`▸ ${done}, and read back: it is as it should be.`);
  }
  throw new UserError(`GitHub took the ruleset, and yet it is not as it should be:\n${left}`);
});

/** @throws UserError about a line of CODEOWNERS that GitHub cannot use: it asks nobody then, and says so nowhere else */
async function checkOwners(repository: string): Promise<void> {
  const { errors } = await call<{ errors: { message: string }[] }>([
    `${repository}/codeowners/errors`,
  ]);
  if (errors.length === 0) return;
  const found = errors.map(({ message }) => message.trim()).join("\n  ");
  throw new UserError(
    `Nothing was written. GitHub asks nobody by a line of CODEOWNERS that it cannot use: mend these first.\n  ${found}`,
  );
}

/** A call of GitHub's REST API. */
const call = async <T>(args: string[], input?: string): Promise<T> =>
  JSON.parse(await gh(["api", ...args], needs, input));

/** The ruleset of that name as GitHub has it, if it does; or why that is not known. */
async function look(
  rulesets: string,
  name: string,
): Promise<{ found?: Stored | undefined; unknown?: string }> {
  if (!(await isSignedIn())) return { unknown: `${howToSignIn} ${needs}` };
  try {
    // Without its organization's. One page has all of them: GitHub allows 75.
    const list = await call<Stored[]>([`${rulesets}?includes_parents=false&per_page=100`]);
    const id = list.find((other) => other.name === name)?.id;
    // The list has no rules.
    return { found: id === undefined ? undefined : await call<Stored>([`${rulesets}/${id}`]) };
  } catch (error) {
    if (error instanceof UserError) return { unknown: error.message };
    throw error;
  }
}

/** @throws UserError about a value that is none */
function wanted(): { dryRun: boolean; bumpApp: number | undefined } {
  const app = option("BUMP_APP");
  if (app && !/^[1-9]\d*$/.test(app)) {
    throw new UserError(
      `BUMP_APP must be the number that the App's settings call App ID, and is "${app}".`,
    );
  }
  return { dryRun: flagOption("DRY_RUN"), bumpApp: app ? Number(app) : undefined };
}
