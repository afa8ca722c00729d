import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { json } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { nameOnGitHub } from "../../tools/github/client.ts";
import { differences, type Ruleset, ruleset, withBumpApp } from "../../tools/github/ruleset.ts";

const place = "clusters/repository/kustomization.yaml";
const path = "/repos/bpesics/pe-gitops/rulesets";

type Stored = Ruleset & { id: number; source_type: "Repository" | "Organization" };

/** The fake GitHub: where it is, what it holds, and what it was asked. */
interface Fake {
  api: string;
  rulesets: Stored[];
  calls: string[];
  writes(): string[];
}

interface Behaviour {
  /** A parameter of the pull request rule that it takes and forgets. */
  ignores?: string;
  /** A status that it answers to these methods in place of what was asked for. */
  refuses?: { status: number; methods: string[] };
}

/** GitHub's API of rulesets, in memory. Its token is "good". */
async function fakeGitHub(t: ExecutionContext, behaviour: Behaviour = {}): Promise<Fake> {
  const { ignores = "", refuses } = behaviour;
  // An organization's ruleset by the same name is not the repository's.
  const rulesets: Stored[] = [{ id: 1, source_type: "Organization", name: "main", rules: [] }];
  const calls: string[] = [];

  const answer = async (method: string, url: URL, body: Ruleset | undefined) => {
    const id = Number(new RegExp(`^${path}/(\\d+)$`).exec(url.pathname)?.[1] ?? 0);
    const found = rulesets.find((other) => other.id === id && other.source_type === "Repository");
    if (id ? !found : url.pathname !== path) return [404, { message: "Not Found" }];
    if (body) delete pullRequest(body)[ignores];
    if (method === "POST" && body && !id) {
      rulesets.push({ ...body, id: 40 + rulesets.length, source_type: "Repository" });
      return [201, rulesets.at(-1)];
    }
    if (method === "PUT" && body && found) return [200, Object.assign(found, body)];
    if (method === "GET" && found) {
      // GitHub has an order and fields of its own.
      const copy = structuredClone(found);
      copy.rules?.reverse();
      Object.assign(pullRequest(copy), { required_reviewers: [] });
      return [200, { ...copy, current_user_can_bypass: "never" }];
    }
    const own = url.searchParams.get("includes_parents") === "false";
    return [
      200,
      rulesets
        .filter(({ source_type }) => source_type === "Repository" || !own)
        .map(({ rules, conditions, bypass_actors, ...summary }) => summary),
    ];
  };

  const server = createServer(async (request, response) => {
    const { method = "", headers } = request;
    const url = new URL(request.url ?? "", "http://localhost");
    calls.push(`${method} ${url.pathname}`);
    const body = method === "GET" ? undefined : ((await json(request)) as Ruleset);
    const [status, reply] =
      headers.authorization !== "Bearer good"
        ? [401, { message: "Bad credentials" }]
        : refuses?.methods.includes(method)
          ? [refuses.status, { message: "Resource not accessible by personal access token" }]
          : await answer(method, url, body);
    response.writeHead(status as number, { "content-type": "application/json" });
    response.end(JSON.stringify(reply));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.teardown(() => server.close());
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { api, rulesets, calls, writes: () => calls.filter((call) => !call.startsWith("GET ")) };
}

/** The parameters of a ruleset's rule. */
function parameters({ rules = [] }: Ruleset, rule: string): Record<string, unknown> {
  return rules.find(({ type }) => type === rule)?.parameters ?? {};
}

const pullRequest = (of: Ruleset) => parameters(of, "pull_request");

/** Runs the command to its end. @returns whether it succeeded, and all that it printed */
async function command(
  api: string,
  { token = "good", args = [] as string[], cwd = "." } = {},
): Promise<[boolean, string]> {
  const env = { GITHUB_API_URL: api, GITHUB_TOKEN: token };
  const script = resolve("tools/commands/branch-protection.ts");
  return run(process.execPath, [script, ...args], { cwd, env, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

/** A fake GitHub that holds the ruleset, changed by somebody. */
async function drifted(
  t: ExecutionContext,
  change: (stored: Stored) => void,
  behaviour: Behaviour = {},
): Promise<Fake> {
  const github = await fakeGitHub(t, behaviour);
  const stored: Stored = { ...structuredClone(ruleset), id: 7, source_type: "Repository" };
  change(stored);
  github.rulesets.push(stored);
  return github;
}

const nobodyReviews = (stored: Stored) =>
  Object.assign(pullRequest(stored), { require_code_owner_review: false });

/** An address where nobody listens. */
async function nowhere(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}

test("a missing ruleset is created, read back, and not written again", async (t) => {
  const github = await fakeGitHub(t);
  const [succeeded, printed] = await command(github.api);
  t.true(succeeded, printed);
  t.regex(printed, /created, and read back: it is as it should be/);
  t.like(github.rulesets[1], ruleset);
  t.deepEqual(github.calls, [`GET ${path}`, `POST ${path}`, `GET ${path}/41`]);

  const [again, same] = await command(github.api);
  t.true(again, same);
  t.regex(same, /it is as it should be/);
  t.is(github.writes().length, 1);
});

test("what somebody switched off is named, and put right", async (t) => {
  const github = await drifted(t, nobodyReviews);
  const [succeeded, printed] = await command(github.api);
  t.true(succeeded, printed);
  t.regex(printed, /rules.pull_request.require_code_owner_review: should be true, is false/);
  t.deepEqual(github.writes(), [`PUT ${path}/7`]);
  t.like(github.rulesets[1], ruleset);
});

test("each way to weaken the ruleset, or to stop merges by it, is a difference", (t) => {
  const found = (change: (copy: Ruleset) => void) => {
    const copy: Ruleset = structuredClone(ruleset);
    change(copy);
    return differences(copy);
  };
  t.deepEqual(
    found(() => {}),
    [],
  );
  const actor = { actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" };
  for (const [change, line] of [
    [{ enforcement: "evaluate" }, 'enforcement: should be "active", is "evaluate"'],
    [{ bypass_actors: [actor] }, `bypass_actors: should be [], is [${JSON.stringify(actor)}]`],
    // GitHub leaves the field out for a token that may not write.
    [{ bypass_actors: undefined }, "bypass_actors: should be [], is absent"],
    [{ rules: [...ruleset.rules, { type: "update" }] }, "rules.update: should be absent"],
    [{ rules: ruleset.rules.slice(1) }, "rules.deletion: should be there, is absent"],
    [
      { conditions: { ref_name: { include: [], exclude: [] } } },
      'conditions.ref_name.include: should be ["~DEFAULT_BRANCH"], is []',
    ],
  ] as const) {
    t.deepEqual(
      found((copy) => Object.assign(copy, change)),
      [line],
    );
  }
  const rule = "required_status_checks";
  for (const contexts of [
    [{ context: "test" }, { context: "cluster" }],
    [{ context: "test", integration_id: 15368 }],
  ]) {
    const lines = found((copy) => Object.assign(parameters(copy, rule), { [rule]: contexts }));
    t.is(lines.length, 1);
    t.regex(lines[0] ?? "", /^rules.required_status_checks.required_status_checks: should be /);
  }
});

test("GitHub's own order and its own fields are no difference", (t) => {
  const copy: Ruleset = structuredClone(ruleset);
  copy.rules?.reverse();
  const checks = parameters(copy, "required_status_checks");
  (checks.required_status_checks as unknown[]).reverse();
  checks.do_not_enforce_on_create = false;
  t.deepEqual(differences({ ...copy, id: 7, node_id: "x", source: "bpesics/pe-gitops" }), []);
});

test("a server that takes a field and forgets it fails the command, which names the field", async (t) => {
  const ignores = "require_last_push_approval";
  for (const github of [
    await fakeGitHub(t, { ignores }),
    await drifted(t, nobodyReviews, { ignores }),
  ]) {
    const [succeeded, printed] = await command(github.api);
    t.false(succeeded);
    t.regex(printed, /rules.pull_request.require_last_push_approval: should be true, is absent/);
    t.notRegex(printed, /read back: it is as it should be|at .*\.ts:/);
    t.is(github.writes().length, 1);
  }
});

test("a dry run prints each call, and writes nothing", async (t) => {
  const args = ["--dry-run"];
  const missing = await fakeGitHub(t);
  const [, create] = await command(missing.api, { args });
  t.true(create.includes(`POST ${missing.api}${path}\n${JSON.stringify(ruleset, null, 2)}\n`));

  const different = await drifted(t, nobodyReviews);
  const [, update] = await command(different.api, { args });
  t.true(update.includes(`PUT ${different.api}${path}/7\n${JSON.stringify(ruleset, null, 2)}\n`));
  t.regex(update, /require_code_owner_review: should be true, is false/);

  const fine = await drifted(t, () => {});
  const [, nothing] = await command(fine.api, { args });
  t.regex(nothing, /It is as it should be/);
  t.notRegex(nothing, /POST|PUT/);

  for (const github of [missing, different, fine]) t.deepEqual(github.writes(), []);
});

test("a dry run needs neither a token nor a network", async (t) => {
  const github = await fakeGitHub(t);
  const api = await nowhere();
  for (const [at, token, why] of [
    [github.api, "", /no token, so GitHub was not asked: this shows a first application/],
    [api, "good", /does not answer at .*this shows a first application/],
  ] as const) {
    const [succeeded, printed] = await command(at, { token, args: ["--dry-run"] });
    t.true(succeeded, printed);
    t.regex(printed, why);
    t.regex(printed, new RegExp(`^POST ${at}${path}$`, "m"));
  }
  t.deepEqual(github.calls, []);
});

test("make branch-protection DRY_RUN=1 is a dry run, of the public API unless told otherwise", async (t) => {
  const env = { ...process.env, GITHUB_TOKEN: "", GITHUB_API_URL: "" };
  const printed = await run("make", ["branch-protection", "DRY_RUN=1"], { env, both: true });
  t.regex(printed, new RegExp(`^POST https://api.github.com${path}$`, "m"));
});

test("the App that pushes bumps is the one that may bypass, as long as it is named", async (t) => {
  const github = await fakeGitHub(t);
  const args = ["--bump-app", "4711"];
  const app = [{ actor_id: 4711, actor_type: "Integration", bypass_mode: "always" }];
  const [succeeded, printed] = await command(github.api, { args });
  t.true(succeeded, printed);
  t.like(github.rulesets[1], withBumpApp(4711));
  t.deepEqual(github.rulesets[1]?.bypass_actors, app);
  t.regex((await command(github.api, { args }))[1], /it is as it should be/);
  t.is(github.writes().length, 1);

  const person = { actor_id: 5, actor_type: "RepositoryRole", bypass_mode: "always" };
  for (const bypass_actors of [[...app, person], [{ ...app[0], actor_id: 4712 }], []]) {
    const [line = "", ...more] = differences({ ...ruleset, bypass_actors }, withBumpApp(4711));
    t.deepEqual(more, []);
    t.regex(line, /^bypass_actors: should be .*4711.*, is /);
  }

  const [, without] = await command(github.api);
  t.regex(without, /bypass_actors: should be \[\], is .*4711/);
  t.deepEqual(github.rulesets[1]?.bypass_actors, []);
});

test("an App that has no number is refused, and make passes the number on", async (t) => {
  const github = await fakeGitHub(t);
  for (const id of ["bumps", "0", "", "1.5"]) {
    const [succeeded, printed] = await command(github.api, { args: ["--bump-app", id] });
    t.false(succeeded);
    t.regex(printed, /BUMP_APP must be the number/);
  }
  t.deepEqual(github.calls, []);
  const env = { ...process.env, GITHUB_TOKEN: "" };
  const dryRun = ["branch-protection", "DRY_RUN=1", "BUMP_APP=4711"];
  t.regex(await run("make", dryRun, { env, both: true }), /"actor_id": 4711/);
});

test("a mistyped dry run does nothing at all", async (t) => {
  const github = await fakeGitHub(t);
  const [succeeded, printed] = await command(github.api, { args: ["--dryrun"] });
  t.false(succeeded);
  t.regex(printed, /--dryrun/);
  t.notRegex(printed, /at .*\.ts:/);
  t.deepEqual(github.calls, []);
});

test("whoever cannot go on is told what to do, without a stack", async (t) => {
  const github = await fakeGitHub(t);
  const readOnly = await fakeGitHub(t, { refuses: { status: 403, methods: ["POST"] } });
  const hidden = await fakeGitHub(t, { refuses: { status: 404, methods: ["GET"] } });
  for (const [api, token, advice] of [
    [github.api, "", /GITHUB_TOKEN holds no token.*Administration: write.*DRY_RUN=1/s],
    [github.api, "bad", /does not know the token.*expired.*Bad credentials/s],
    [readOnly.api, "good", /Administration: write.*POST .*: 403 .*not accessible/s],
    [hidden.api, "good", /Administration: write.*GET .*: 404/s],
    [await nowhere(), "good", /GitHub does not answer at http.*ECONNREFUSED/],
  ] as const) {
    const [succeeded, printed] = await command(api, { token });
    t.false(succeeded);
    t.regex(printed, advice);
    t.notRegex(printed, /at .*\.ts:/);
  }
  t.deepEqual([...github.writes(), ...hidden.writes()], []);
});

test("a repository that is not on GitHub is told from one that is", async (t) => {
  const name = (url: string) => nameOnGitHub(`        value: ${url}\n`);
  for (const url of [
    "https://github.com/bpesics/pe-gitops.git",
    "https://github.com/bpesics/pe-gitops",
    "'https://github.com/bpesics/pe-gitops/'",
    "git@github.com:bpesics/pe-gitops.git",
    "ssh://git@github.com/bpesics/pe-gitops.git",
  ]) {
    t.is(name(url), "bpesics/pe-gitops", url);
  }
  for (const url of [
    "http://git.git.svc/pe-gitops.git",
    "https://gitlab.com/bpesics/pe-gitops.git",
    "https://github.com.example/bpesics/pe-gitops.git",
    "https://github.com/bpesics",
  ]) {
    t.throws(() => name(url), { message: /is not GitHub/ }, url);
  }

  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  mkdirSync(join(cwd, "clusters/repository"), { recursive: true });
  writeFileSync(join(cwd, place), "        value: http://git.git.svc/pe-gitops.git\n");
  const github = await fakeGitHub(t);
  const [succeeded, printed] = await command(github.api, { cwd, args: ["--dry-run"] });
  t.false(succeeded);
  t.regex(printed, /http:\/\/git.git.svc.*not GitHub.*clusters\/repository/s);
  t.deepEqual(github.calls, []);
});

test("the repository is the one that the Applications read", (t) => {
  const text = readFileSync(place, "utf8");
  const [{ value }] = parse(parse(text).patches[0].patch);
  t.is(value, `https://github.com/${nameOnGitHub(text)}.git`);
});

test("every job of the workflow must succeed, and runs for every pull request", (t) => {
  const workflow = parse(readFileSync(".github/workflows/test.yaml", "utf8"));
  const jobs = Object.entries<{ name?: string; if?: string }>(workflow.jobs);
  const required = ruleset.rules.flatMap(
    ({ parameters = {} }: { parameters?: { required_status_checks?: { context: string }[] } }) =>
      (parameters.required_status_checks ?? []).map(({ context }) => context),
  );
  t.deepEqual(
    jobs.map(([id, { name = id }]) => name),
    required,
  );
  // A pull request that a filter leaves out waits for its checks for ever.
  t.is(workflow.on.pull_request, null);
  t.true(jobs.every(([, job]) => job.if === undefined));
});
