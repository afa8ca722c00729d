import test from "ava";
import { gh } from "../../tools/github/gh.ts";
import { fakeGh, httpError } from "../support/fake-gh.ts";

const needs = "It needs the repository permission Checks: read.";
const limit = "API rate limit exceeded for user ID 1.";

test.serial("GitHub's rate limit is told from a missing permission", async (t) => {
  const table = {
    limited: [httpError(403, limit)],
    secondary: [httpError(403, "You have exceeded a secondary rate limit.")],
    many: [httpError(429, "Too many requests")],
    refused: [httpError(403, "Resource not accessible by integration")],
  };
  const { folder } = fakeGh(table);
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  for (const call of ["limited", "secondary", "many"]) {
    const error = await t.throwsAsync(gh([call], needs));
    t.regex(error?.message ?? "", /rate limit is reached\. Try again/);
    t.notRegex(error?.message ?? "", /permission/);
  }
  const refused = await t.throwsAsync(gh(["refused"], needs));
  t.regex(refused?.message ?? "", /permission Checks: read.*not accessible.*403/s);
});
