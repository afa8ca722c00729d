import { run, UserError } from "../cli/command.ts";
import { findTool, pinned } from "../cli/pinned-tools.ts";
import { nameOnGitHub } from "../github/name.ts";

/** An image that nobody signed who may, or that is signed as another one. */
export class Unsigned extends UserError {}

/** The one workflow that publishes. */
export const publisher = ".github/workflows/publish.yaml";

/**
 * Whose signature counts: that of the one workflow that publishes, on main; or, where COSIGN_KEY names a
 * public key, that of its owner, for whoever runs a registry and a cluster of their own. A key needs no
 * internet; the workflow's certificate is checked against Sigstore's log.
 */
function signer(): string[] {
  const key = process.env.COSIGN_KEY;
  if (key) return ["--key", key, "--insecure-ignore-tlog"];
  const name = nameOnGitHub();
  const workflow = `https://github.com/${name}/${publisher}@refs/heads/main`;
  const issuer = "https://token.actions.githubusercontent.com";
  return ["--certificate-identity", workflow, "--certificate-oidc-issuer", issuer];
}

/** In whose name is signed: this run's of a workflow; or that of COSIGN_PRIVATE_KEY, in no public log. */
function asSigner(): string[] {
  const key = process.env.COSIGN_PRIVATE_KEY;
  return ["--yes", ...(key ? ["--key", key, ...offline] : [])];
}
const offline = ["--use-signing-config=false", "--tlog-upload=false"];

/**
 * @param image as an overlay names it: `name:tag@sha256:...`
 * @returns the digest with its name, and the signature's claim of which image that is. A digest alone may be
 *   any image that was ever signed, an older one for one.
 */
function parse(image: string): [reference: string, claim: string] {
  const [, name, tag, digest] = /^(\S+):([\w.-]+)@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
  if (!digest)
    throw new UserError(`An image must be named by its tag and its digest, unlike ${image}.`);
  return [`${name}@${digest}`, `image=${name}:${tag}`];
}

/**
 * Checks that an image is one that the workflow published under this very name and tag.
 * @param image `name:tag@sha256:...`
 * @throws Unsigned when it is not, or UserError when that cannot be found out here
 */
export async function verifySignature(image: string): Promise<void> {
  const [reference, claim] = parse(image);
  const check = ["verify", ...signer(), "--annotations", claim, reference];
  await cosign(check).catch((error: Error) => {
    // From "main.go" on it says the same once more.
    const said = error.message.replace(/\nmain\.go:[\s\S]*/, "");
    const [, why = said] = /^Error: ([\s\S]*)/m.exec(said) ?? [];
    // Without Sigstore's keys no signature matches: the reason stands beside that, or in a warning before it.
    const isOutage = /\bTUF\b|dial tcp|timeout|status code:? 5|connection re|\bEOF\b/i.test(said);
    if (/no (matching )?(signatures|attestations)/.test(why) && !isOutage) {
      throw new Unsigned(`${image} is not signed by who may publish it: ${why}.`);
    }
    throw new UserError(`Whether ${image} is signed cannot be checked here.\n  ${said}`);
  });
}

/** Signs an image. @param image `name:tag@sha256:...` */
export async function sign(image: string): Promise<void> {
  const [reference, claim] = parse(image);
  await cosign(["sign", ...asSigner(), "--annotations", claim, reference]);
}

/**
 * Attaches a bill of materials to an image, signed.
 * @param image `name:tag@sha256:...`
 * @param file in CycloneDX
 */
export async function attachSbom(image: string, file: string): Promise<void> {
  const [reference] = parse(image);
  const what = ["--type", "cyclonedx", "--predicate", file];
  await cosign(["attest", ...asSigner(), ...what, reference]);
}

/** Runs cosign, at its pinned version. @returns what it printed */
export async function cosign(args: string[], env = process.env): Promise<string> {
  const tool = await findTool("cosign");
  if (!tool) throw new UserError(`Signatures need cosign ${pinned("cosign")}: install it, or Go.`);
  return run(tool.command, args, { env });
}
