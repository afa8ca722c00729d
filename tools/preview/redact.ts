import { createHmac, randomBytes } from "node:crypto";
import type { Manifest } from "../render/manifests.ts";

/** The key of this process alone: a digest under it tells values apart, and says nothing else of them. */
const keyOfRun = randomBytes(32);
const hidden = (value: unknown): string =>
  `(hidden ${createHmac("sha256", keyOfRun).update(JSON.stringify(value)).digest("hex").slice(0, 8)})`;

/**
 * A manifest without the data of a Secret. What stands elsewhere is shown: no list of names tells a password from
 * another value, and the pull request shows the same text.
 */
export function hide(manifest: Manifest): Manifest {
  if (manifest.kind !== "Secret") return manifest;
  return Object.fromEntries(
    Object.entries(manifest).map(([key, value]) => [
      key,
      key === "metadata" ? withoutLastApplied(value) : withoutValues(key, value),
    ]),
  ) as unknown as Manifest;
}

const withoutValues = (key: string, value: unknown): unknown =>
  ["data", "stringData"].includes(key) && value && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).map(([name, text]) => [name, hidden(text)]))
    : value;

/** What kubectl notes in an annotation is the whole Secret once more. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
const withoutLastApplied = (metadata: Manifest["metadata"]) =>
  metadata.annotations?.[lastApplied] === undefined
    ? metadata
    : {
        ...metadata,
        annotations: {
          ...metadata.annotations,
          [lastApplied]: hidden(metadata.annotations[lastApplied]),
        },
      };
