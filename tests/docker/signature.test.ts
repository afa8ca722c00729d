// Needs Docker and cosign, and no cluster: what may be bumped and merged, by its signature.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { architecture, digestOf, type Source, sourceOf } from "../../tools/images/build.ts";
import { overlayFile } from "../../tools/images/images.ts";
import { cosign } from "../../tools/images/signature.ts";
import { localRegistry, startRegistry } from "../../tools/local/registry.ts";

const registry = `${localRegistry}/e2e`;
const root = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
const work = join(root, "work");
const git = (...args: string[]) => run("git", ["-C", work, ...args]);
const keys = { ours: join(root, "ours"), theirs: join(root, "theirs") };
const password = { COSIGN_PASSWORD: "" };

function write(file: string, text: string): void {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), text);
}

/** Changes hello's source, commits and pushes. @returns what an image of it would be called */
async function change(text: string): Promise<Source> {
  write("hello-service/hello", text);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", `hello: ${text}`);
  await git("push", "--quiet", "origin", "main");
  return sourceOf("hello", "HEAD", undefined, work);
}

/** Runs one of our commands there. @returns whether it succeeded, and all that it printed */
function command(
  script: string,
  options: NodeJS.ProcessEnv,
  key = "ours",
): Promise<[boolean, string]> {
  const env = {
    ...process.env,
    ...password,
    COSIGN_KEY: `${keys.ours}.pub`,
    COSIGN_PRIVATE_KEY: `${keys[key as keyof typeof keys]}.key`,
    GITHUB_OUTPUT: join(root, "output"),
    ...options,
  };
  return run(process.execPath, [resolve(`tools/commands/${script}.ts`)], {
    cwd: work,
    env,
    both: true,
  }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );
}

const service = { SERVICE: "hello" };
const bump = (digest = "") => command("bump", { ...service, DIGEST: digest });
const overlays = (base = "") => command("verify-images", { BASE: base });
const tip = () => run("git", ["-C", join(root, "origin"), "rev-parse", "main"]);

/** Pushes an image that no command of ours made. @returns its digest */
async function push(image: string, text: string): Promise<string> {
  const context = mkdtempSync(join(root, "context-"));
  // Of this run alone: the registry keeps images and signatures.
  writeFileSync(join(context, "hello"), `${text} ${root}`);
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY hello /\n");
  await run("docker", ["build", "--quiet", "--tag", image, context]);
  await run("docker", ["push", "--quiet", image]);
  return (await digestOf(image)) as string;
}

/** Signs with cosign itself, whatever it is. */
async function signed(by: keyof typeof keys, claim: string, reference: string): Promise<void> {
  const offline = ["--use-signing-config=false", "--tlog-upload=false"];
  const args = ["sign", "--yes", "--key", `${keys[by]}.key`, ...offline, "-a", claim, reference];
  await cosign(args, { ...process.env, ...password });
}

/** Where cosign cannot be had the tests are left out, and the run says so; at GitHub they fail. */
const isThere = await cosign(["version"]).then(
  () => true,
  () => false,
);
const tried = isThere || process.env.GITHUB_ACTIONS ? test.serial : test.serial.skip;

test.before(async () => {
  if (tried === test.serial.skip) return;
  await startRegistry();
  for (const prefix of Object.values(keys))
    await cosign(["generate-key-pair", "--output-key-prefix", prefix], {
      ...process.env,
      ...password,
    });
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", join(root, "origin")]);
  await run("git", ["init", "--quiet", "--initial-branch=main", work]);
  await git("remote", "add", "origin", join(root, "origin"));
  await git("config", "user.name", "e2e");
  await git("config", "user.email", "e2e@localhost");
  write(".gitignore", readFileSync(".gitignore", "utf8"));
  mkdirSync(".tools", { recursive: true });
  symlinkSync(resolve(".tools"), join(work, ".tools"));
  write(".git/info/exclude", ".tools\n");
  write("clusters/testing/apps/root.yaml", "");
  write(
    "apps/hello/base/kustomization.yaml",
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [deployment.yaml]\n",
  );
  const spec = `template: {spec: {containers: [{name: hello, image: ${registry}/hello}]}}`;
  write(
    "apps/hello/base/deployment.yaml",
    `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: hello}\nspec: {${spec}}\n`,
  );
  write(
    overlayFile("hello", "testing"),
    `resources:\n  - ../../base\nimages:\n  - name: ${registry}/hello\n    newTag: 0.0.0\n`,
  );
  write("hello-service/sbom.cdx.json", JSON.stringify({ bomFormat: "CycloneDX", run: root }));
  write(
    "hello-service/Dockerfile",
    "FROM scratch\nCOPY hello-service/hello hello-service/sbom.cdx.json /\n",
  );
  await change("first");
});
test.after.always(() => rmSync(root, { recursive: true }));

tried("what is published is signed, and is bumped", async (t) => {
  const { name, tag } = await change("published");
  const arch = await architecture();
  const [isBuilt, built] = await command("image", service);
  t.true(isBuilt, built);
  const [isPublished, published] = await command("publish", { ...service, ARCHITECTURES: arch });
  t.true(isPublished, published);
  const digest = (await digestOf(`${name}:${tag}`)) as string;
  const output = readFileSync(join(root, "output"), "utf8");
  t.is(output, `name=${name}\ndigest=${digest}\nnew=true\n`);

  const [tooEarly, unsigned] = await bump();
  t.false(tooEarly);
  t.regex(unsigned, /is not signed by who may publish it/);
  const [isSigned, signed] = await command("sign", { ...service, DIGEST: digest });
  t.true(isSigned, signed);

  const [isBumped, bumped] = await bump();
  t.true(isBumped, bumped);
  t.regex(await git("show", `${await tip()}:${overlayFile("hello", "testing")}`), RegExp(digest));
  await git("pull", "--quiet", "--rebase", "origin", "main");
  t.regex((await overlays())[1], RegExp(`${digest} is signed`));

  // Its bill of materials is with the image of each architecture, and with the one that overlays name.
  const bill = ["--key", `${keys.ours}.pub`, "--insecure-ignore-tlog", "--type", "cyclonedx"];
  for (const image of [await digestOf(`${name}:${tag}-${arch}`), digest])
    await t.notThrowsAsync(cosign(["verify-attestation", ...bill, `${name}@${image}`]));
});

tried("an image is built once per commit", async (t) => {
  const { name, tag } = await sourceOf("hello", "HEAD", undefined, work);
  const before = await digestOf(`${name}:${tag}`);
  t.regex((await command("image", service))[1], /is there already/);
  const [again, printed] = await command("publish", service);
  t.true(again, printed);
  t.regex(readFileSync(join(root, "output"), "utf8"), /new=false\n$/);
  t.is(await digestOf(`${name}:${tag}`), before);
});

tried("what another pushed in the place of a part is not published", async (t) => {
  const { name, tag } = await change("replaced");
  const arch = await architecture();
  const missing = await command("publish", { ...service, ARCHITECTURES: arch });
  t.regex(missing[1], RegExp(`There is no ${name}:${tag}-${arch}: make image`));
  t.true((await command("image", service))[0]);
  await push(`${name}:${tag}-${arch}`, "replaced by another");
  const [succeeded, printed] = await command("publish", { ...service, ARCHITECTURES: arch });
  t.false(succeeded);
  t.regex(printed, /is not signed by who may publish it/);
  t.is(await digestOf(`${name}:${tag}`), undefined);
});

tried("nothing else is bumped, or merged", async (t) => {
  const { name, tag } = await change("refused");
  const claim = `image=${name}:${tag}`;
  const image = `${name}:${tag}`;
  const before = await tip();
  const refused = async (what: string, digest: string, why: RegExp) => {
    const [succeeded, printed] = await bump(digest);
    t.false(succeeded, what);
    t.regex(printed, why, what);
    t.notRegex(printed, /at .*\.ts:/, "no stack");
    t.is(await tip(), before, what);
    const file = overlayFile("hello", "testing");
    const overlay = readFileSync(join(work, file), "utf8");
    write(file, overlay.replace(/newTag: .*\n.*/, `newTag: ${tag}\n    digest: ${digest}`));
    const [isFine, found] = await overlays("HEAD");
    write(file, overlay);
    t.false(isFine, what);
    t.regex(found, why, what);
  };
  const not = /is not signed by who may publish it/;

  await refused("unsigned", await push(image, "unsigned"), not);

  const theirs = await push(image, "signed by another");
  await signed("theirs", claim, `${name}@${theirs}`);
  await refused("signed by another", theirs, not);

  const older = await push(image, "signed as another");
  await signed("ours", `image=${name}:20200101-000000000000`, `${name}@${older}`);
  await refused("signed as an older one", older, /incorrect annotation/);

  const attested = await push(image, "attested");
  const bill = join(work, "hello-service/sbom.cdx.json");
  await cosign(
    [
      ...["attest", "--yes", "--key", `${keys.ours}.key`, "--use-signing-config=false"],
      ...["--tlog-upload=false", "--type", "cyclonedx", "--predicate", bill, `${name}@${attested}`],
    ],
    { ...process.env, ...password },
  );
  await refused("a bill of materials and no signature", attested, not);

  const good = await push(image, "good");
  await signed("ours", claim, `${name}@${good}`);
  await push(image, "moved");
  const moved = await bump();
  t.false(moved[0], "a tag that was moved to other content");
  t.regex(moved[1], not);
  t.is(await tip(), before);

  // The signature's own bundle, handed on to what the tag says now.
  const other = await push(image, "moved, with the signature of before");
  const signatures = (digest: string) => `${name}:${digest.replace(":", "-")}`;
  await run("docker", [
    ...["buildx", "imagetools", "create", "--tag", signatures(other), signatures(good)],
  ]);
  await refused("a signature of other content", other, /digest does not match/);

  await refused("no such image", `sha256:${"0".repeat(64)}`, not);

  // A patch can name an image, and so can the base.
  const deployment = "apps/hello/base/deployment.yaml";
  const text = readFileSync(join(work, deployment), "utf8");
  const sidecar = `{name: sidecar, image: "${registry}/other:1@${other}"}`;
  write(deployment, text.replace("containers: [", `initContainers: [${sidecar}], containers: [`));
  const [isFine, found] = await overlays("HEAD");
  write(deployment, text);
  t.false(isFine, "an image that no overlay lists");
  t.regex(found, /other:1@.* is not signed/);

  // The control: what was signed as it should be is bumped by the same command.
  const [isBumped, printed] = await bump(good);
  t.true(isBumped, printed);
});
