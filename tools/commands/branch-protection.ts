// make branch-protection: GitHub enforces .github/rulesets, and is asked whether it does.
import { main, UserError } from "../cli/command.ts";
import { flagOption, option } from "../cli/options.ts";
import { warn } from "../cli/progress.ts";
import { gh, howToSignIn, isSignedIn, shown } from "../github/gh.ts";
import { nameOnGitHub } from "../github/name.ts";
import { differences, type Ruleset, rulesets } from "../github/ruleset.ts";

const needs =
  "A token for this has the repository permission Administration: write, and is of somebody who " +
  "administers the repository; the token that a workflow gets cannot have it.";

main(async () => {
  const { dryRun, bumpApp } = wanted();
  const repository = `repos/${nameOnGitHub()}`;
  const path = `${repository}/rulesets`;
  const { ids, unknown } = await look(path);
  if (!unknown) await checkOwners(repository);
  for (const ours of rulesets(bumpApp)) {
    const id = ids.get(ours.name);
    const before = id && differences(await call<Ruleset>([`${path}/${id}`]), ours);
    if (before === "") {
      console.log(`▸ ${ours.name}: it is as it should be.`);
      continue;
    }
    if (before) console.log(before);
    const write = ["--method", ...(id ? ["PUT", `${path}/${id}`] : ["POST", path]), "--input", "-"];
    const body = JSON.stringify(ours, null, 2);
    if (dryRun || unknown) console.log(shown(["api", ...write], body));
    else await apply(ours, path, write, body);
  }
  if (unknown && !dryRun) throw new UserError(`Nothing was written. ${unknown}`);
  if (unknown) warn(`What GitHub has is not known, so this is a first application. ${unknown}`);
  if (dryRun) console.log("▸ A dry run: nothing was written.");
});

/** Writes a ruleset, and reads it back. @throws UserError when GitHub has another one then */
async function apply(ours: Ruleset, path: string, write: string[], body: string): Promise<void> {
  const { id } = await call<Ruleset>(write, body);
  const left = differences(await call<Ruleset>([`${path}/${id}`]), ours);
  if (left) {
    throw new UserError(
      `GitHub took the ruleset ${ours.name}, and yet it is not as it should be:\n${left}`,
    );
  }
  const done = write.includes("PUT") ? "put right" : "created";
  console.log(`▸ ${ours.name}: ${done}, and read back: it is as it should be.`);
}

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

/** The rulesets that GitHub has, by name; or why that is not known. */
async function look(path: string): Promise<{ ids: Map<string, number>; unknown?: string }> {
  const ids = new Map<string, number>();
  if (!(await isSignedIn())) return { ids, unknown: `${howToSignIn} ${needs}` };
  try {
    // Without its organization's. One page has all of them: GitHub allows 75.
    const list = await call<{ name: string; id: number }[]>([
      `${path}?includes_parents=false&per_page=100`,
    ]);
    for (const { name, id } of list) ids.set(name, id);
    return { ids };
  } catch (error) {
    if (error instanceof UserError) return { ids, unknown: error.message };
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
