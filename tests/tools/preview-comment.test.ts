import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { json } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { run } from "../../tools/cli/command.ts";
import { marker } from "../../tools/preview/page.ts";

const repository = "/repos/bpesics/pe-gitops";
const head = "5d6e7f80".repeat(5);

interface Comment {
  id: number;
  user: { login: string } | null;
  body: string;
}

interface Pull {
  number: number;
  head: { sha: string; label: string };
  base: { ref: string };
}

const ours: Pull = {
  number: 7,
  head: { sha: head, label: "somebody:change" },
  base: { ref: "main" },
};

/** GitHub's pull requests and their comments, in memory. */
async function fakeGitHub(t: ExecutionContext, comments: Comment[] = [], pulls: Pull[] = [ours]) {
  const calls: string[] = [];
  const answer = (method: string, url: URL, body: { body: string }): [number, unknown] => {
    if (method === "GET" && url.pathname === `${repository}/pulls`) {
      const wanted = url.searchParams.get("head");
      return [200, pulls.filter((pull) => pull.head.label === wanted)];
    }
    const of = `${repository}/issues/7/comments`;
    if (method === "GET" && url.pathname === of) {
      const [size, page] = [
        Number(url.searchParams.get("per_page")),
        Number(url.searchParams.get("page")),
      ];
      return [200, comments.slice((page - 1) * size, page * size)];
    }
    if (method === "POST" && url.pathname === of) {
      comments.push({ id: 900 + comments.length, user: { login: "github-actions[bot]" }, ...body });
      return [201, comments.at(-1)];
    }
    const id = Number(url.pathname.replace(`${repository}/issues/comments/`, ""));
    const found = comments.find((comment) => comment.id === id);
    if (method === "PATCH" && found) return [200, Object.assign(found, body)];
    return [404, { message: "Not Found" }];
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const { method = "", headers } = request;
    calls.push(`${method} ${url.pathname}`);
    const body = method === "GET" ? { body: "" } : ((await json(request)) as { body: string });
    const [status, reply] =
      headers.authorization === "Bearer good"
        ? answer(method, url, body)
        : [403, { message: "Resource not accessible by integration" }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(reply));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.teardown(() => server.close());
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { api, comments, writes: () => calls.filter((call) => !call.startsWith("GET ")) };
}

/** Runs the command to its end, after a run of the tests of a fork's branch. */
async function comment(t: ExecutionContext, api: string, text: string, token = "good") {
  const cwd = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  mkdirSync(join(cwd, "report"));
  writeFileSync(join(cwd, "report/preview.md"), `${marker}\n${text}`);
  const event = {
    repository: { default_branch: "main" },
    workflow_run: {
      head_branch: "change",
      head_sha: head,
      head_repository: { owner: { login: "somebody" } },
    },
  };
  writeFileSync(join(cwd, "event.json"), JSON.stringify(event));
  const env = {
    GITHUB_API_URL: api,
    GITHUB_EVENT_PATH: "event.json",
    GITHUB_REPOSITORY: "bpesics/pe-gitops",
    GITHUB_TOKEN: token,
  };
  const script = resolve("tools/commands/preview-comment.ts");
  return run(process.execPath, [script], { cwd, env, both: true }).then(
    (printed): [boolean, string] => [true, printed],
    (error: Error): [boolean, string] => [false, error.message],
  );
}

test("the first preview is a comment, the next ones are the same comment", async (t) => {
  const github = await fakeGitHub(t);
  for (const text of ["first", "second", "second"]) {
    const [succeeded, printed] = await comment(t, github.api, text);
    t.true(succeeded, printed);
    t.regex(printed, /pull request 7/);
  }
  t.deepEqual(github.writes(), [
    `POST ${repository}/issues/7/comments`,
    `PATCH ${repository}/issues/comments/900`,
  ]);
  t.deepEqual(
    github.comments.map(({ body }) => body),
    [`${marker}\nsecond`],
  );
});

test("our comment is found behind a hundred others, and nobody else's is touched", async (t) => {
  const others: Comment[] = Array.from({ length: 130 }, (_, id) => ({
    id,
    // Some quote us, or write our marker; some accounts are gone.
    user: id % 3 === 0 ? null : { login: id % 3 === 1 ? "somebody" : "github-actions[bot]" },
    body: id % 3 === 1 ? `${marker}\nmine` : "other",
  }));
  const old = { id: 500, user: { login: "github-actions[bot]" }, body: `${marker}\nold` };
  const github = await fakeGitHub(t, [...structuredClone(others), old]);
  const [succeeded, printed] = await comment(t, github.api, "new");
  t.true(succeeded, printed);
  t.deepEqual(github.writes(), [`PATCH ${repository}/issues/comments/500`]);
  t.deepEqual(github.comments.slice(0, 130), others);
});

test("a preview that is overtaken, or of a pull request to elsewhere, is not shown", async (t) => {
  for (const pull of [
    { ...ours, head: { ...ours.head, sha: "1".repeat(40) } },
    { ...ours, base: { ref: "release" } },
    { ...ours, head: { ...ours.head, label: "bpesics:change" } },
  ]) {
    const github = await fakeGitHub(t, [], [pull]);
    const [succeeded, printed] = await comment(t, github.api, "text");
    t.true(succeeded, printed);
    t.regex(printed, /nothing to show/);
    t.deepEqual(github.writes(), []);
  }
});

test("a token that may not comment is told apart from a fault", async (t) => {
  const github = await fakeGitHub(t);
  const [succeeded, printed] = await comment(t, github.api, "text", "bad");
  t.false(succeeded);
  t.regex(printed, /pull-requests: write.*403/s);
  t.notRegex(printed, /at .*\.ts:/, "no stack");
});

test("what renders a pull request may only read, and what comments runs nothing of it", (t) => {
  const { on, permissions, jobs } = parse(readFileSync(".github/workflows/preview.yaml", "utf8"));
  // Defined by the default branch, for forks too; on pull_request it would be by the pull request.
  t.deepEqual(Object.keys(on), ["workflow_run"]);
  t.deepEqual(permissions, {});
  t.deepEqual(jobs.render.permissions, { contents: "read" });
  t.deepEqual(jobs.comment.permissions, { contents: "read", "pull-requests": "write" });
  const steps = (job: { steps: { uses?: string; with?: Record<string, unknown> }[] }) =>
    job.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
  for (const checkout of [...steps(jobs.render), ...steps(jobs.comment)]) {
    t.is(checkout.with?.ref, undefined);
    t.is(checkout.with?.repository, undefined);
    t.is(checkout.with?.["persist-credentials"], false);
  }
  t.notRegex(JSON.stringify(jobs.comment), /head_sha|git fetch|head_ref/);
  t.notRegex(JSON.stringify(jobs.render), /token|secrets/i);
});
