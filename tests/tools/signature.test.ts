import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { pinned } from "../../tools/cli/pinned-tools.ts";
import { Unsigned, verifySignature } from "../../tools/images/signature.ts";
import { onGitHub, registry } from "../support/owner.ts";

// What cosign is asked. Whether it then refuses what it should is tested with itself: tests/docker/signature.test.ts.
const folder = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
process.env.PATH = `${folder}:${process.env.PATH}`;
test.after.always(() => rmSync(folder, { recursive: true }));
test.beforeEach(() => {
  delete process.env.COSIGN_KEY;
});

/** Puts a cosign on PATH that keeps its arguments. @param ending what it prints and returns at the end */
function cosign(ending = "true"): () => string[] {
  const file = join(folder, "cosign");
  const version = `[ "$1" = version ] && echo "GitVersion:    v${pinned("cosign")}" && exit`;
  const args = join(folder, "args");
  writeFileSync(file, `#!/bin/sh\n${version}\nprintf '%s\\n' "$@" > ${args}\n${ending}\n`);
  chmodSync(file, 0o755);
  return () => readFileSync(args, "utf8").trim().split("\n");
}

const name = `${registry}/payment`;
const digest = `sha256:${"c5".repeat(32)}`;
const image = `${name}:20261122-1a2b3c4d5e6f@${digest}`;
const claim = ["--annotations", `image=${name}:20261122-1a2b3c4d5e6f`, `${name}@${digest}`];

test.serial("it must be the workflow on main that signed, and for this name and tag", async (t) => {
  const asked = cosign();
  await verifySignature(image);
  const workflow = `https://github.com/${onGitHub}/.github/workflows/publish.yaml`;
  t.deepEqual(asked(), [
    ...["verify", "--certificate-identity", `${workflow}@refs/heads/main`],
    ...["--certificate-oidc-issuer", "https://token.actions.githubusercontent.com"],
    ...claim,
  ]);
});

test.serial("a key of one's own takes the place of the workflow", async (t) => {
  process.env.COSIGN_KEY = "own.pub";
  const asked = cosign();
  await verifySignature(image);
  t.deepEqual(asked(), ["verify", "--key", "own.pub", "--insecure-ignore-tlog", ...claim]);
});

test.serial("unsigned is told from what cannot be found out, and neither passes", async (t) => {
  const fails = (lines: string) => cosign(`printf '${lines}\\n' >&2; exit 10`);
  const again = "main.go:74: error during command execution: no matching signatures: x";
  for (const why of ["no signatures found", "no matching signatures: a subject\\nthat is none"]) {
    fails(`Error: ${why}\\n${again}`);
    const error = await t.throwsAsync(verifySignature(image), { instanceOf: Unsigned });
    t.regex(error?.message ?? "", /not signed by who may publish it: no .*(found|none)\.$/s);
  }
  // An outage, of the registry or of Sigstore, in which nothing matches either.
  const outage = 'Get "https://x/14.root.json": dial tcp 127.0.0.1:443: i/o timeout';
  for (const lines of [
    `Error: ${outage}`,
    `Error: no matching signatures:\\n${outage}`,
    `WARNING: Could not fetch trusted_root.json: ${outage}\\nError: no matching signatures: x`,
  ]) {
    fails(lines);
    const error = await t.throwsAsync(verifySignature(image), {
      message: /cannot be checked here/,
    });
    t.false(error instanceof Unsigned, lines);
    t.regex(error?.message ?? "", /14\.root\.json.*i\/o timeout/);
  }
});

test.serial("an image without a tag or without a digest is asked of nobody", async (t) => {
  cosign();
  for (const other of [`${name}:1`, `${name}@${digest}`, `${image.slice(0, -1)}`, ""])
    await t.throwsAsync(verifySignature(other), { message: /by its tag and its digest/ });
});
