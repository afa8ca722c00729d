// revert.yaml itself, run by nektos/act, with stand-ins for the actions and for GitHub's list of statuses.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { commitOnTop } from "../../tools/delivery/bump-commit.ts";
import {
  bin,
  commit,
  git,
  origin,
  runWorkflow,
  script,
  shellAction,
  startRepository,
  tried,
  work,
} from "../support/act.ts";

const actions = {
  "actions/create-github-app-token": `outputs:
  token: { value: a-token }
  app-slug: { value: bumps }
${shellAction('"true"')}`,
};

const context = "argocd/payment/testing";
const tip = () => run("git", ["-C", origin, "rev-parse", "main"]);

/** What GitHub tells of a status, and who set it. */
interface Status {
  sha: string;
  state: string;
  context: string;
  description: string;
  sender: { login: string };
}

/** Runs the workflow as GitHub does at a status. @returns whether it succeeded, and all that it printed */
const told = (sha: string, more: Partial<Status> = {}, login = "argocd-of-ours") => {
  const status = { id: 1, sha, state: "failure", context, description: "Synced, and Degraded" };
  const payload = { ...status, sender: { login: "argocd-of-ours" }, ...more };
  const args = ["--var", `ARGOCD_LOGIN=${login}`, "--var", "BUMP_APP_CLIENT_ID=an-id"];
  args.push("--secret", "BUMP_APP_PRIVATE_KEY=a-key");
  return runWorkflow("revert", "status", { actions, payload, args });
};

let bumped = "";
test.before(async () => {
  await startRepository();
  const live = await git("rev-parse", "HEAD");
  // Every commit but the first one was said to be something else.
  script("gh", `case "$*" in *"${live}/statuses"*) echo "success ${context}";; esac`);
  writeFileSync(join(work, "payment-service/changed"), "");
  const build = {
    service: "payment",
    commit: await commit("source"),
    digest: `sha256:${"1".repeat(64)}`,
  };
  const env = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((who) => [
      [`GIT_${who}_NAME`, "test"],
      [`GIT_${who}_EMAIL`, "test@localhost"],
    ]),
  );
  bumped = await commitOnTop(work, build, "HEAD", { environment: "testing", env });
  await git("merge", "--quiet", bumped);
  await git("push", "--quiet", "origin", "HEAD:main");
});

tried("what others say, or is no failure of a deployment, takes nothing back", async (t) => {
  t.timeout(300_000);
  for (const [more, login] of [
    [{ state: "success" }],
    [{ state: "error" }],
    [{ context: "ci/argocd/payment/testing" }],
    [{ description: "sync failed: the API server is away" }],
    [{ sender: { login: "somebody" } }],
    [{ sender: { login: "argocd-of-ours" } }, ""],
  ] as [Partial<Status>, string?][]) {
    const [succeeded, printed] = await told(bumped, more, login);
    t.true(succeeded, printed);
    t.notRegex(printed, /make revert/, JSON.stringify(more));
    t.is(await tip(), bumped);
  }
});

tried(
  "a bump whose deployment failed is taken back on main, once; what is said is data",
  async (t) => {
    t.timeout(300_000);
    const description = `Degraded: 12% failed"; touch ${join(bin, "made")}; $(touch ${join(bin, "made")}) #`;
    const [succeeded, printed] = await told(bumped, { description });
    t.true(succeeded, printed);
    const [commit = "", subject, author, parent] = (
      await run("git", ["-C", origin, "log", "-1", "--format=%H%n%s%n%an%n%P", "main"])
    ).split("\n");
    t.regex(subject ?? "", /^Revert "payment: \d{8}-\w{12} to testing"$/);
    t.deepEqual([author, parent], ["bumps[bot]", bumped]);
    const body = await run("git", ["-C", origin, "log", "-1", "--format=%b", "main"]);
    t.regex(body, /^It failed in testing: Degraded: 12% failed ; touch /);
    t.throws(() => readFileSync(join(bin, "made")));
    const diff = ["diff", "--name-only", `${bumped}~2`, commit, "--", "apps"];
    t.is(await run("git", ["-C", origin, ...diff]), "");

    const [again, said] = await told(bumped);
    t.true(again, said);
    t.regex(said, /Nothing to revert for payment in testing: .* reverted it/);
    t.is(await tip(), commit);
  },
);
