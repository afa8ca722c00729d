import { readdirSync } from "node:fs";
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap } from "yaml";
import { Advice, run } from "./command.ts";

/** The services, by the folder that deploys each; its source is in the folder of that name and `-service`. */
export const services: string[] = readdirSync("apps").sort();

export const sourceFolder = (service: string): string => `${service}-service`;

export const overlayFile = (service: string, environment: string): string =>
  `apps/${service}/overlays/${environment}/kustomization.yaml`;

/** An image as an overlay says it. The digest is what runs; the tag says to people where it is from. */
export interface Image {
  /** Without tag, such as `ghcr.io/bpesics/pe-payment`. */
  name: string;
  newTag: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest?: string;
}

/** @returns the image that an overlay deploys @throws Advice when it says none, or more than one */
export function imageIn(overlay: string): Image {
  const entry = entryOf(overlay);
  return {
    name: String(entry.get("name")),
    newTag: String(entry.get("newTag")),
    ...(entry.has("digest") && { digest: String(entry.get("digest")) }),
  };
}

/**
 * Changes the two lines of an overlay that say which image, and not a character else.
 * @returns the overlay's new text
 */
export function withImage(overlay: string, { newTag, digest }: Required<Image>): string {
  const entry = entryOf(overlay);
  const tag = rangeOf(entry, "newTag");
  const old = entry.has("digest") ? rangeOf(entry, "digest") : undefined;
  // The later one first: the other one's place stays what it was.
  const edits: [number, number, string][] = old
    ? [
        [...tag, newTag],
        [...old, digest],
      ]
    : [[...tag, `${newTag}\n    digest: ${digest}`]];
  return edits
    .sort(([a], [b]) => b - a)
    .reduce((text, [from, to, value]) => text.slice(0, from) + value + text.slice(to), overlay);
}

function entryOf(overlay: string): YAMLMap {
  const images = parseDocument(overlay).get("images");
  const [entry, ...more] = isSeq(images) ? images.items : [];
  if (!isMap(entry) || !entry.has("name") || !entry.has("newTag") || more.length > 0) {
    throw new Advice(
      "The overlay must say one image, with name and newTag, under images: see apps/payment/overlays/testing.",
    );
  }
  return entry;
}

function rangeOf(entry: YAMLMap, key: string): [number, number] {
  const node = entry.get(key, true);
  if (!isScalar(node) || !node.range) throw new Advice(`${key} must be a plain value.`);
  return [node.range[0], node.range[1]];
}

/**
 * The commit that a service's image is built from: the last one that changed its source.
 * @param at a commit; the service's source as of then
 */
export async function sourceCommit(service: string, at: string, folder = "."): Promise<string> {
  const log = ["log", "-1", "--format=%H", at, "--", sourceFolder(service)];
  const commit = await run("git", ["-C", folder, ...log]);
  if (!commit) throw new Advice(`${at} has no ${sourceFolder(service)}/ to build ${service} from.`);
  return commit;
}

/** The tag of the image built from a commit: its date, for people, and the commit. */
export async function tagOf(commit: string, folder = "."): Promise<string> {
  const show = ["show", "--no-patch", "--date=format-local:%Y%m%d", "--format=%cd-%H", commit];
  const env = { ...process.env, TZ: "UTC" };
  return (await run("git", ["-C", folder, ...show], { env })).slice(0, "20261122-".length + 12);
}

/** @returns the beginning of the commit that a tag names; undefined for a tag of another form */
export const commitOf = (tag: string): string | undefined =>
  /^\d{8}-([0-9a-f]{12})$/.exec(tag)?.[1];
