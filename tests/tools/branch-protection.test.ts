import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { nameOnGitHub } from "../../tools/github/name.ts";
import { differences, type Ruleset, rulesets } from "../../tools/github/ruleset.ts";
import { type FakeGh, fakeGh, httpError, signedIn, type Table } from "../support/fake-gh.ts";
import { onGitHub } from "../support/owner.ts";

const place = "clusters/repository/kustomization.yaml";
const path = `repos/${onGitHub}/rulesets`;
const [ours, history] = rulesets();

const list = `api ${path}?includes_parents=false&per_page=100`;
const read = (id: number) => `api ${path}/${id}`;
const create = `api --method POST ${path} --input -`;
const update = `api --method PUT ${path}/7 --input -`;

/** The parameters of a ruleset's rule. */
function parameters({ rules = [] }: Ruleset, rule: string): Record<string, unknown> {
  return rules.find(({ type }) => type === rule)?.parameters ?? {};
}

/** A ruleset as GitHub keeps it, in an order and with fields of its own. */
function stored(id: number, of: Ruleset, change: (copy: Ruleset) => void = () => {}): Ruleset {
  const copy = structuredClone(of);
  change(copy);
  copy.rules?.reverse();
  Object.assign(parameters(copy, "pull_request"), { required_reviewers: [] });
  return { ...copy, id, source_type: "Repository", current_user_can_bypass: "never" };
}

const nobodyReviews = (copy: Ruleset) =>
  Object.assign(parameters(copy, "pull_request"), { require_code_owner_review: false });

const owners = `api repos/bpesics/pe-gitops/codeowners/errors`;
const noErrors = { [owners]: [{ errors: [] }] };

/** The ruleset of the history, which is as it should be but in its own test. */
const kept8 = { id: 8, name: "history" };

/** GitHub before it has the ruleset: there is another one. */
const missing = (kept = stored(41, ours)): Table => ({
  ...signedIn,
  ...noErrors,
  [list]: [[{ id: 3, name: "tags" }, kept8]],
  [read(8)]: [stored(8, history)],
  [create]: [kept],
  [read(41)]: [kept],
});

/** GitHub with a ruleset that is read as one after the other. */
const present = (...reads: Ruleset[]): Table => ({
  ...signedIn,
  ...noErrors,
  [list]: [[{ id: 7, name: "merges" }, kept8]],
  [read(8)]: [stored(8, history)],
  [update]: [stored(7, ours)],
  [read(7)]: reads,
});

/** Runs the command to its end. @returns whether it succeeded, and all that it printed */
async function command(
  { folder }: { folder: string },
  { options = {} as Record<string, string>, cwd = "." } = {},
): Promise<[boolean, string]> {
  const env = { PATH: folder, NO_COLOR: "1", ...options };
  const script = resolve("tools/commands/branch-protection.ts");
  return run(process.execPath, [script], { cwd, env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** Without what GitHub was asked about CODEOWNERS and about the other ruleset. */
const asked = (gh: FakeGh) =>
  gh
    .calls()
    .map(({ args }) => args)
    .filter((args) => args !== owners && args !== read(8));
const written = (gh: FakeGh) => gh.calls().filter(({ args }) => args.includes("--method"));

/** A folder without gh. */
function empty(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a missing ruleset is created, and read back", async (t) => {
  const gh = fakeGh(missing());
  const [succeeded, printed] = await command(gh);
  t.true(succeeded, printed);
  t.regex(printed, /merges: created, and read back: it is as it should be/);
  t.deepEqual(asked(gh), [list, create, read(41)]);
  t.deepEqual(JSON.parse(written(gh)[0]?.input ?? ""), ours);
});

test("one that is as it should be is not written again", async (t) => {
  const gh = fakeGh(present(stored(7, ours)));
  const [succeeded, printed] = await command(gh);
  t.true(succeeded, printed);
  t.regex(printed, /merges: it is as it should be/);
  t.deepEqual(asked(gh), [list, read(7)]);
});

test("what somebody switched off is named, and put right", async (t) => {
  const gh = fakeGh(present(stored(7, ours, nobodyReviews), stored(7, ours)));
  const [succeeded, printed] = await command(gh);
  t.true(succeeded, printed);
  t.regex(printed, /^\+ +require_code_owner_review: false,\n- +require_code_owner_review: true,$/m);
  t.regex(printed, /merges: put right, and read back: it is as it should be/);
  t.deepEqual(asked(gh), [list, read(7), update, read(7)]);
  t.deepEqual(JSON.parse(written(gh)[0]?.input ?? ""), ours);
});

test("each way to weaken the ruleset, or to stop merges by it, is a difference", (t) => {
  const found = (change: (copy: Ruleset) => void) => {
    const copy = structuredClone(ours);
    change(copy);
    return differences(copy, ours);
  };
  t.is(
    found(() => {}),
    "",
  );
  const rules = ours.rules ?? [];
  const actor = { actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" };
  for (const [change, line] of [
    [{ enforcement: "evaluate" }, /^\+ +enforcement: 'evaluate',\n- +enforcement: 'active',$/m],
    [{ bypass_actors: [actor] }, /^\+ +actor_type: 'RepositoryRole',$/m],
    // GitHub leaves the field out for a token that may not write.
    [{ bypass_actors: undefined }, /^\+ +bypass_actors: undefined,\n- +bypass_actors: \[\],$/m],
    [{ rules: [...rules, { type: "update" }] }, /^\+ +type: 'update'$/m],
    [{ rules: rules.slice(0, 1) }, /^- +type: 'required_status_checks'$/m],
    [{ conditions: { ref_name: { include: [], exclude: [] } } }, /^- +'~DEFAULT_BRANCH'$/m],
    [
      { conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: ["main"] } } },
      /^\+ +'main'$/m,
    ],
  ] as const) {
    t.regex(
      found((copy) => Object.assign(copy, change)),
      line,
    );
  }
  const rule = "required_status_checks";
  for (const [contexts, line] of [
    [[{ context: "test" }, { context: "cluster" }], /^- +integration_id: 15368$/m],
    [[{ context: "test", integration_id: 15368 }], /^- +context: 'cluster',$/m],
  ] as const) {
    t.regex(
      found((copy) => Object.assign(parameters(copy, rule), { [rule]: contexts })),
      line,
    );
  }
});

test("GitHub's own order and its own fields are no difference", (t) => {
  const copy = structuredClone(ours);
  copy.rules?.reverse();
  const checks = parameters(copy, "required_status_checks");
  (checks.required_status_checks as unknown[]).reverse();
  checks.do_not_enforce_on_create = false;
  t.is(differences({ ...copy, id: 7, node_id: "x", source: onGitHub }, ours), "");
});

test("an owner whom GitHub does not know is named, and nothing is written", async (t) => {
  const message = "Unknown owner on line 15: make sure the team exists";
  for (const table of [missing(), present(stored(7, ours))]) {
    const gh = fakeGh({ ...table, [owners]: [{ errors: [{ message }] }] });
    const [succeeded, printed] = await command(gh);
    t.false(succeeded);
    t.true(printed.includes(message), printed);
    t.notRegex(printed, /as it should be|at .*\.ts:/);
    t.deepEqual(written(gh), []);
  }
});

test("a server that takes a field and forgets it fails the command, which names the field", async (t) => {
  const forgets = (copy: Ruleset) => {
    delete parameters(copy, "pull_request").require_last_push_approval;
  };
  for (const table of [
    missing(stored(41, ours, forgets)),
    present(stored(7, ours, nobodyReviews), stored(7, ours, forgets)),
  ]) {
    const gh = fakeGh(table);
    const [succeeded, printed] = await command(gh);
    t.false(succeeded);
    t.regex(printed, /GitHub took the ruleset merges, .*\n- +require_last_push_approval: true,$/ms);
    t.notRegex(printed, /merges: created|put right|at .*\.ts:/);
    t.is(written(gh).length, 1);
  }
});

test("a dry run prints what it would write, and writes nothing", async (t) => {
  const options = { DRY_RUN: "1" };
  const heredoc = `<<'END'\n${JSON.stringify(ours, null, 2)}\nEND\n`;
  const absent = fakeGh(missing());
  const [, creates] = await command(absent, { options });
  t.true(creates.includes(`gh ${create} ${heredoc}`), creates);

  const different = fakeGh(present(stored(7, ours, nobodyReviews)));
  const [, updates] = await command(different, { options });
  t.true(updates.includes(`gh ${update} ${heredoc}`), updates);
  t.regex(updates, /^\+ +require_code_owner_review: false,$/m);

  const fine = fakeGh(present(stored(7, ours)));
  const [, nothing] = await command(fine, { options });
  t.regex(nothing, /merges: it is as it should be/);
  t.notRegex(nothing, /POST|PUT/);

  for (const gh of [absent, different, fine]) t.deepEqual(written(gh), []);
});

test("a dry run needs neither gh, nor a token, nor a network", async (t) => {
  const options = { DRY_RUN: "1" };
  const signedOut = fakeGh({});
  const offline = fakeGh({
    ...signedIn,
    [list]: [{ code: 1, stderr: "error connecting to api.github.com" }],
  });
  for (const [gh, why] of [
    [{ folder: empty(t) }, /this is a first application. Install gh .*https:\/\/cli/],
    [signedOut, /this is a first application. Install gh .*gh auth login/],
    [offline, /this is a first application. .*error connecting/s],
  ] as const) {
    const [succeeded, printed] = await command(gh, { options });
    t.true(succeeded, printed);
    t.regex(printed, why);
    t.true(printed.startsWith(`gh ${create} <<'END'\n`), printed);
  }
  t.deepEqual([...written(signedOut), ...written(offline)], []);
});

test("without gh it says what it would have done and how to get gh, and fails", async (t) => {
  const signedOut = fakeGh({});
  for (const gh of [{ folder: empty(t) }, signedOut]) {
    const [succeeded, printed] = await command(gh);
    t.false(succeeded);
    t.true(printed.includes(`gh ${create} <<'END'\n${JSON.stringify(ours, null, 2)}\nEND`));
    t.regex(printed, /Install gh .*gh auth login.*GH_TOKEN.*Administration: write/s);
    t.notRegex(printed, /at .*\.ts:/);
  }
  t.deepEqual(signedOut.calls(), []);
});

test("make branch-protection DRY_RUN=1 is a dry run, and passes the App's number on", async (t) => {
  const gh = fakeGh({});
  const env = { ...process.env, PATH: `${gh.folder}:${process.env.PATH}` };
  const dryRun = ["branch-protection", "DRY_RUN=1", "BUMP_APP=4711"];
  const printed = await run("make", dryRun, { env, both: true });
  t.true(printed.includes(`gh ${create} <<'END'\n`), printed);
  t.regex(printed, /"actor_id": 4711/);
  t.regex(printed, /A dry run: nothing was written/);
});

test("the App that pushes bumps is the one that may bypass, as long as it is named", async (t) => {
  const options = { BUMP_APP: "4711" };
  const [bumps, kept] = rulesets(4711);
  t.deepEqual(kept, history, "and nobody takes commits out of main");
  const app = [{ actor_id: 4711, actor_type: "Integration", bypass_mode: "always" }];
  t.deepEqual(bumps, { ...ours, bypass_actors: app });
  const gh = fakeGh(missing(stored(41, bumps)));
  const [succeeded, printed] = await command(gh, { options });
  t.true(succeeded, printed);
  t.deepEqual(JSON.parse(written(gh)[0]?.input ?? ""), bumps);

  const again = fakeGh(present(stored(7, bumps)));
  t.regex((await command(again, { options }))[1], /merges: it is as it should be/);
  t.deepEqual(written(again), []);

  const person = { actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" };
  for (const [bypass_actors, line] of [
    [[...app, person], /^\+ +actor_id: 5,$/m],
    [[{ ...app[0], actor_id: 4712 }], /^\+ +actor_id: 4712,\n- +actor_id: 4711,$/m],
    [[], /^- +actor_id: 4711,$/m],
  ] as const) {
    t.regex(differences({ ...ours, bypass_actors }, bumps), line);
  }

  const without = fakeGh(present(stored(7, bumps), stored(7, ours)));
  t.regex((await command(without))[1], /^\+ +actor_id: 4711,$/m);
  t.deepEqual(JSON.parse(written(without)[0]?.input ?? "").bypass_actors, []);
});

test("an App that has no number is refused", async (t) => {
  const gh = fakeGh(missing());
  for (const id of ["bumps", "0", "-1", "1.5"]) {
    const [succeeded, printed] = await command(gh, { options: { BUMP_APP: id } });
    t.false(succeeded);
    t.regex(printed, /BUMP_APP must be the number/);
  }
  t.deepEqual(gh.calls(), []);
});

test("a mistyped dry run does nothing at all", async (t) => {
  const gh = fakeGh(missing());
  const [succeeded, printed] = await command(gh, { options: { DRY_RUN: "yes" } });
  t.false(succeeded);
  t.regex(printed, /DRY_RUN must be 1 or left out/);
  t.notRegex(printed, /at .*\.ts:/);
  t.deepEqual(gh.calls(), []);
});

test("whoever cannot go on is told what to do, without a stack", async (t) => {
  const { [create]: _, ...before } = missing();
  for (const [table, advice] of [
    [
      { ...signedIn, [list]: [httpError(401, "Bad credentials")] },
      /Administration: write.*Bad credentials \(HTTP 401\)/s,
    ],
    [
      { [create]: [httpError(403, "Resource not accessible")], ...before },
      /Administration: write.*POST .*not accessible/s,
    ],
    [
      { ...signedIn, [list]: [httpError(404, "Not Found")] },
      /Administration: write.*rulesets.*Not Found \(HTTP 404\)/s,
    ],
  ] as [Table, RegExp][]) {
    const gh = fakeGh(table);
    const [succeeded, printed] = await command(gh);
    t.false(succeeded);
    t.regex(printed, advice);
    t.notRegex(printed, /at .*\.ts:/);
  }
});

test("a repository that is not on GitHub is told from one that is", async (t) => {
  const name = (url: string) => nameOnGitHub(`        value: ${url}\n`);
  for (const url of [
    "https://github.com/an-owner/a-name.git",
    "https://github.com/an-owner/a-name",
    "'https://github.com/an-owner/a-name/'",
    "git@github.com:an-owner/a-name.git",
    "ssh://git@github.com/an-owner/a-name.git",
  ]) {
    t.is(name(url), "an-owner/a-name", url);
  }
  for (const url of [
    "http://git.git.svc/pe-gitops.git",
    "https://gitlab.com/an-owner/a-name.git",
    "https://github.com.example/an-owner/a-name.git",
    "https://github.com/an-owner",
  ]) {
    t.throws(() => name(url), { message: /is not GitHub/ }, url);
  }

  const cwd = empty(t);
  mkdirSync(join(cwd, "clusters/repository"), { recursive: true });
  writeFileSync(join(cwd, place), "        value: http://git.git.svc/pe-gitops.git\n");
  const gh = fakeGh(missing());
  const [succeeded, printed] = await command(gh, { cwd, options: { DRY_RUN: "1" } });
  t.false(succeeded);
  t.regex(printed, /http:\/\/git.git.svc.*not GitHub.*clusters\/repository/s);
  t.deepEqual(gh.calls(), []);
});

test("the repository is the one that the Applications read", (t) => {
  const text = readFileSync(place, "utf8");
  const [{ value }] = parse(parse(text).patches[0].patch);
  t.is(value, `https://github.com/${nameOnGitHub()}.git`);
});

test("the history of main has a ruleset of its own, which is created where it is missing", async (t) => {
  const gh = fakeGh({
    ...present(stored(7, ours)),
    [list]: [[{ id: 7, name: "merges" }]],
    [create]: [stored(8, history)],
  });
  const [succeeded, printed] = await command(gh);
  t.true(succeeded, printed);
  t.regex(printed, /history: created, and read back: it is as it should be/);
  t.deepEqual(JSON.parse(written(gh)[0]?.input ?? ""), history);
  for (const change of [{ rules: [] }, { bypass_actors: [{ actor_id: 4711 }] }]) {
    t.not(differences({ ...history, ...change }, history), "");
  }
});

// JSON has no comments, so the reasons for .github/rulesets stand here.
test("the ruleset keeps the branch that Argo CD reads from everybody, administrators included", (t) => {
  t.like(history, { name: "history", target: "branch", enforcement: "active", bypass_actors: [] });
  t.deepEqual(history.conditions, ours.conditions);
  // They would take commits out of main again.
  t.deepEqual(
    history.rules?.map(({ type }) => type),
    ["deletion", "non_fast_forward"],
  );
  t.like(ours, { name: "merges", target: "branch", enforcement: "active", bypass_actors: [] });
  t.deepEqual(ours.conditions, { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } });
  t.deepEqual(
    ours.rules?.map(({ type }) => type),
    ["pull_request", "required_status_checks"],
  );
  t.deepEqual(parameters(ours, "pull_request"), {
    // One commit for each pull request: main is linear, and git revert takes back all of it.
    allowed_merge_methods: ["squash"],
    required_approving_review_count: 1,
    // Has force only as a part of this rule, and only for teams that may write to the repository.
    require_code_owner_review: true,
    // What is merged is what was approved, by somebody other than who pushed it last.
    dismiss_stale_reviews_on_push: true,
    require_last_push_approval: true,
    required_review_thread_resolution: true,
  });
  // Each bump moves main: with the newest main required, every open pull request would start over, and lose its
  // approvals. Main's own tests run to the end for each commit, and say what two changes do together.
  t.is(parameters(ours, "required_status_checks").strict_required_status_checks_policy, false);
});

test("every job of the workflow must succeed, and runs for every pull request", (t) => {
  const workflow = parse(readFileSync(".github/workflows/test.yaml", "utf8"));
  const jobs = Object.entries<{ name?: string; if?: string }>(workflow.jobs);
  // Of GitHub Actions alone: without its ID, anybody who may push can set a status by the same name.
  const required = jobs.map(([id, { name = id }]) => ({ context: name, integration_id: 15368 }));
  t.deepEqual(parameters(ours, "required_status_checks").required_status_checks, required);
  // A pull request that a filter leaves out waits for its checks for ever.
  t.is(workflow.on.pull_request, null);
  t.true(jobs.every(([, job]) => job.if === undefined));
});
