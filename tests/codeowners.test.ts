import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import test from "ava";
import { matches, owners as ownersBy, rules as parse } from "../scripts/lib/codeowners.ts";
import { run } from "../scripts/lib/command.ts";

const platform = "@bpesics/platform";
const services = readdirSync("apps");

const rules = parse(readFileSync(".github/CODEOWNERS", "utf8"));
const owners = (file: string) => ownersBy(rules, file);

const files = (await run("git", ["ls-files"])).split("\n");

test("a service belongs to its team alone, and so does what it is on Kubernetes", (t) => {
  t.true(services.length >= 2);
  for (const service of services) {
    for (const file of [
      `${service}-service/package.json`,
      `${service}-service/src/main.ts`,
      `${service}-service/Dockerfile`,
      `apps/${service}/base/deployment.yaml`,
      `apps/${service}/overlays/testing/kustomization.yaml`,
      `apps/${service}/overlays/production/kustomization.yaml`,
      `apps/${service}/a-new-folder/file.yaml`,
    ]) {
      t.deepEqual(owners(file), [`@bpesics/${service}`], file);
    }
  }
});

test("what makes an administrator of the cluster belongs to the platform team alone", (t) => {
  const roots = ["clusters/", "argocd/", ".github/", "scripts/", "tests/", "e2e/", ".ci/"];
  const theirs = files.filter((file) => roots.some((root) => file.startsWith(root)));
  t.true(theirs.includes("clusters/testing/apps/payment.yaml"));
  for (const file of [
    ...theirs,
    ".github/CODEOWNERS",
    ".github/workflows/test.yaml",
    "Makefile",
    "README.md",
    "package.json",
    "compose.yaml",
    "clusters/testing/apps/a-new-application.yaml",
    "clusters/payment-service/file.yaml",
    "apps/a-new-service/base/deployment.yaml",
    "apps/antaeus/components/published-original/namespace.yaml",
    "apps/kustomization.yaml",
    "payment-service.yaml",
    "a-new-file",
  ]) {
    t.deepEqual(owners(file), [platform], file);
  }
});

test("each folder of the repository has one owner, and each rule a file", (t) => {
  for (const folder of new Set(files.map(dirname))) {
    t.is(owners(`${folder}/file`.replace(/^\.\//, "")).length, 1, folder);
  }
  for (const { pattern } of rules)
    t.true(
      files.some((file) => matches(pattern, file)),
      pattern,
    );
});

test("the check itself: the last rule that matches wins, and an unknown pattern is not guessed", (t) => {
  t.is(rules[0]?.pattern, "*", "a default after the others would win over them");
  for (const pattern of ["*.ts", "docs/", "/docs", "/docs/*", "/docs/**/"])
    t.throws(() => matches(pattern, "docs/file.ts"), undefined, pattern);
});
