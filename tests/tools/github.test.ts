import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "ava";
import { askGitHub } from "../../tools/github/client.ts";
import { gh } from "../../tools/github/gh.ts";
import { fakeGh, httpError } from "../support/fake-gh.ts";

const needs = "It needs the repository permission Checks: read.";
const limit = "API rate limit exceeded for user ID 1.";

test("GitHub's rate limit is told from a missing permission", async (t) => {
  const answers: [status: number, headers: Record<string, string>, message: string][] = [
    [403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795600800" }, limit],
    [403, { "retry-after": "60" }, "You have exceeded a secondary rate limit."],
    [429, {}, "Too many requests"],
    [403, { "x-ratelimit-remaining": "4999" }, "Resource not accessible by integration"],
  ];
  const server = createServer((request, response) => {
    const [status, headers, message] = answers[Number(request.url?.split("/").at(-1))] ?? [
      500,
      {},
      "",
    ];
    response.writeHead(status, headers).end(JSON.stringify({ message }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, { GITHUB_API_URL: `http://127.0.0.1:${port}`, GH_TOKEN: "a-token" });
  const said = async (index: number) => {
    const error = await t.throwsAsync(askGitHub(String(index), needs));
    return error?.message ?? "";
  };
  t.regex(await said(0), /rate limit is reached\. Try again after \d\d:\d\d UTC/);
  for (const index of [1, 2]) t.regex(await said(index), /rate limit is reached\. Try again/);
  for (const index of [0, 1, 2]) t.notRegex(await said(index), /permission/);
  t.regex(await said(3), /permission Checks: read.*403 .*not accessible/s);
});

test.serial("and so it is where gh asks", async (t) => {
  const table = { limited: [httpError(403, limit)], refused: [httpError(403, "Not accessible")] };
  const { folder } = fakeGh(table);
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const limited = await t.throwsAsync(gh(["limited"], needs));
  t.regex(limited?.message ?? "", /rate limit is reached/);
  t.notRegex(limited?.message ?? "", /permission/);
  const refused = await t.throwsAsync(gh(["refused"], needs));
  t.regex(refused?.message ?? "", /permission Checks: read/);
});
