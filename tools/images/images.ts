import { basename } from "node:path";
import { UserError } from "../cli/command.ts";
import { isName } from "../cli/options.ts";
import { git } from "../git/git.ts";

/**
 * The services that a commit has: the folders in apps/. The source of each is in the folder of that name and `-service`.
 * @throws UserError when one of them has a name that no service can have
 */
export async function servicesAt(commit: string, folder = "."): Promise<string[]> {
  const list = await git(["ls-tree", "-z", "--name-only", commit, "apps/"], { folder });
  const services = list
    .split("\0")
    .filter(Boolean)
    .map((path) => basename(path));
  const strange = services.find((service) => !isName(service));
  if (strange === undefined) return services;
  throw new UserError(
    `apps/ has ${JSON.stringify(strange)}, which cannot be a service: a to z, digits and hyphens, a letter first.`,
  );
}

export const sourceFolder = (service: string): string => `${service}-service`;

/** What makes a service's image another one: its own source, and what services share. */
export const sourcePaths = (service: string): string[] => [
  sourceFolder(service),
  "packages",
  "package-lock.json",
];

export const overlayFile = (service: string, environment: string): string =>
  `apps/${service}/overlays/${environment}/kustomization.yaml`;

/** @throws UserError when a commit has no service by that name */
export async function checkService(service: string, commit: string): Promise<void> {
  const services = await servicesAt(commit);
  if (services.includes(service)) return;
  throw new UserError(`SERVICE must be one of ${services.join(", ")}, and is "${service}".`);
}

/** An image as an overlay says it. The digest is what runs; the tag says to people where it is from. */
export interface Image {
  /** Without tag, such as `ghcr.io/an-owner/a-repository/payment`. */
  name: string;
  newTag: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

/** How every overlay says its image, so that a bump changes two lines and no comment gets lost. */
const form = /^images:\n {2}- name: (\S+)\n {4}newTag: (\S+)(?:\n {4}digest: (\S+))?$(?!\n {2})/m;

/** @returns the image that an overlay deploys @throws UserError when it says it in another form */
export function imageIn(overlay: string): Image {
  const [, name, newTag, digest] = form.exec(overlay) ?? [];
  if (name && newTag) return { name, newTag, ...(digest && { digest }) };
  throw new UserError(
    "The overlay must have one image under images: with the lines name, newTag and digest, in this order.",
  );
}

/** @returns the overlay with another image, and not a character else changed */
export function withImage(overlay: string, { newTag, digest }: Omit<Image, "name">): string {
  const { name } = imageIn(overlay);
  const last = digest ? `\n    digest: ${digest}` : "";
  const images = `images:\n  - name: ${name}\n    newTag: ${newTag}${last}`;
  return overlay.replace(form, () => images);
}

/**
 * The commit that a service's image is built from: the last one that changed its source.
 * @param at a commit; the service's source as of then
 */
export async function sourceCommit(service: string, at: string, folder = "."): Promise<string> {
  const log = ["log", "-1", "--format=%H", at, "--", ...sourcePaths(service)];
  const commit = await git(log, { folder });
  if (!commit)
    throw new UserError(`${at} has no ${sourceFolder(service)}/ to build ${service} from.`);
  return commit;
}

/** The tag of the image built from a commit: its date, for people, and the commit. */
export async function tagOf(commit: string, folder = "."): Promise<string> {
  const show = ["show", "--no-patch", "--date=format-local:%Y%m%d", "--format=%cd-%H", commit];
  return (await git(show, { folder, env: { TZ: "UTC" } })).slice(0, "20261122-".length + 12);
}

/** @returns the beginning of the commit that a tag names; undefined for a tag of another form */
export const commitOf = (tag: string): string | undefined =>
  /^\d{8}-([0-9a-f]{12})$/.exec(tag)?.[1];
