import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { findKustomize } from "../../tools/render/kustomize.ts";

/** A folder whose kustomization lists one resource. */
function listing(root: string, resource: string): string {
  const folder = mkdtempSync(join(root, "folder-"));
  writeFileSync(join(folder, "kustomization.yaml"), `resources:\n  - ${resource}\n`);
  return folder;
}

test("the Git that Kustomize starts speaks HTTP and HTTPS, and nothing by which a URL names a program", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const repository = join(root, "repository");
  mkdirSync(repository);
  writeFileSync(join(repository, "kustomization.yaml"), "resources: [account.yaml]\n");
  const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: fetched\n";
  writeFileSync(join(repository, "account.yaml"), account);
  const author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  const git = (...args: string[]) => run("git", ["-C", repository, ...author, ...args]);
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "a base");

  const { build } = await findKustomize();
  const folder = listing(root, `file://${repository}?ref=main`);
  // The control: without our environment Git fetches it.
  const fetched = await run("kustomize", ["build", folder]).catch(() =>
    run("kubectl", ["kustomize", folder]),
  );
  t.regex(fetched, /name: fetched/);
  await t.throwsAsync(build(folder), { message: /transport 'file' not allowed/ });
  for (const url of ["ssh://git@localhost/somebody/x.git", "git@localhost:somebody/x.git"]) {
    const message = /transport 'ssh' not allowed/;
    await t.throwsAsync(build(listing(root, `${url}?ref=main`)), { message }, url);
  }
});
