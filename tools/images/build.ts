import { createHash } from "node:crypto";
import { join } from "node:path";
import { run, UserError } from "../cli/command.ts";
import { nameOption, option } from "../cli/options.ts";
import { filesOf, textAt } from "../git/git.ts";
import {
  checkService,
  imageIn,
  overlayFile,
  sourceCommit,
  sourceFolder,
  sourcePaths,
  tagOf,
} from "./images.ts";
import { Unsigned, verifySignature } from "./signature.ts";

/** A service's image, as a commit has its source. */
export interface Source {
  service: string;
  /** The commit that last changed the source. */
  commit: string;
  /** Without tag, in the registry to push to, such as `localhost:5000/an-owner/a-repository/payment`. */
  name: string;
  tag: string;
}

/**
 * @param at a commit; the service's source as of then
 * @param registry to push to, in place of the one that the manifests name
 */
export async function sourceOf(
  service: string,
  at: string,
  registry?: string,
  folder = ".",
): Promise<Source> {
  const { name } = imageIn(await textAt(at, overlayFile(service, "testing"), folder));
  const commit = await sourceCommit(service, at, folder);
  return {
    service,
    commit,
    name: registry ? name.replace(/^[^/]+/, registry) : name,
    tag: await tagOf(commit, folder),
  };
}

/**
 * What SERVICE, as HEAD has it, and DIGEST ask for; REGISTRY and ARCHITECTURES where they are not those of every day.
 * @throws UserError when there is no such service, or a digest that is none
 */
export async function wanted() {
  const service = nameOption("SERVICE");
  await checkService(service, "HEAD");
  const source = await sourceOf(service, "HEAD", option("REGISTRY") || undefined);
  const architectures = option("ARCHITECTURES", "amd64 arm64").split(" ");
  return { source, architectures, digest: digestOption() };
}

/** @returns what DIGEST says; empty where it is not set @throws UserError when that is no digest */
export function digestOption(): string {
  const digest = option("DIGEST");
  if (/^(sha256:[0-9a-f]{64})?$/.test(digest)) return digest;
  throw new UserError(`DIGEST must be sha256: and 64 hexadecimal digits, and is "${digest}".`);
}

/** @returns the digest of an image in its registry; undefined when it is not there */
export async function digestOf(image: string): Promise<string | undefined> {
  const inspect = ["buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"];
  return run("docker", inspect).then(
    (manifest) => JSON.parse(manifest).digest,
    (error: Error) => {
      if (/not found|manifest unknown/i.test(error.message)) return undefined;
      throw new UserError(`The registry does not answer for ${image}.\n  ${error.message}`);
    },
  );
}

/** This machine's architecture, as images call it: amd64, arm64. */
export const architecture = (): Promise<string> =>
  run("docker", ["version", "--format", "{{.Server.Arch}}"]);

/**
 * Builds the image for this machine's architecture from what Git has, not from the working copy, and
 * pushes it under the tag and the architecture.
 * @param folder the repository
 * @returns what was pushed, such as `localhost:5000/x:20261122-1a2b3c4d5e6f-amd64@sha256:...`
 */
export async function build(source: Source, folder = ".", show = false): Promise<string> {
  const { service, commit, name, tag } = source;
  const image = `${name}:${tag}-${await architecture()}`;
  const paths = [...sourcePaths(service), "package.json", ".npmrc"];
  const context = await filesOf(commit, folder, paths);
  const file = join(context, sourceFolder(service), "Dockerfile");
  const args = ["--build-arg", `BUILD_COMMIT=${commit}`, "--tag", image, "--file", file];
  // Without Docker's own provenance: with it what is pushed is an index, which combine() takes apart, so that what is said
  // of its digest is said of nothing that runs.
  const env = { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };
  await run("docker", ["build", ...(show ? [] : ["--quiet"]), ...args, context], { show, env });
  await run("docker", ["push", "--quiet", image]).catch((error: Error) => {
    throw new UserError(`${image} cannot be pushed: docker login first?\n  ${error.message}`);
  });
  // Of what was pushed, whatever the tag says in the registry by now.
  const inspect = ["image", "inspect", image, "--format", "{{json .RepoDigests}}"];
  const digests: string[] = JSON.parse(await run("docker", inspect));
  const pushed = digests.find((digest) => digest.startsWith(`${name}@`)) ?? "";
  return `${image}${pushed.slice(name.length)}`;
}

/** @returns the digest of a service's image if it was published: it is in the registry, and signed */
export async function published({ name, tag }: Source): Promise<string | undefined> {
  const digest = await digestOf(`${name}:${tag}`);
  if (!digest) return undefined;
  return verifySignature(`${name}:${tag}@${digest}`).then(
    () => digest,
    (error: Error) => {
      // Whoever published it did not come to its end.
      if (error instanceof Unsigned) return undefined;
      throw error;
    },
  );
}

/**
 * Makes one image of those for each architecture.
 * @param images by their digests
 * @returns its digest, which is what manifests name: of the bytes that are pushed, whatever the tag says afterwards
 * @throws UserError when the registry has other content under the tag: somebody else pushed it
 */
export async function combine({ name, tag }: Source, images: string[]): Promise<string> {
  const image = `${name}:${tag}`;
  const create = (...options: string[]) =>
    run("docker", ["buildx", "imagetools", "create", ...options, ...images]);
  const index = await create("--dry-run");
  const digest = `sha256:${createHash("sha256").update(index).digest("hex")}`;
  await create("--tag", image);
  const found = await digestOf(image);
  if (found === digest) return digest;
  throw new UserError(
    `${image} is not what was pushed: the registry has ${found ?? "nothing"}, not ${digest}. Find out who else pushes it.`,
  );
}

/** @returns the digest of a service's image, which is built and pushed unless its registry has it already */
export async function built(
  source: Source,
  folder = ".",
  say: (line: string) => void = () => {},
): Promise<string> {
  const { service, name, tag } = source;
  const digest = await digestOf(`${name}:${tag}`);
  if (digest) return digest;
  say(`${service}: ${tag} is built and pushed to ${name.split("/")[0]}`);
  return combine(source, [await build(source, folder)]);
}
