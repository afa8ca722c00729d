import { createHmac, randomBytes } from "node:crypto";
import type { Manifest } from "../render/manifests.ts";

/** What a Secret keeps; the annotation, which kubectl apply writes, has all of it once more. */
const kept = [
  "data",
  "stringData",
  "binaryData",
  "kubectl.kubernetes.io/last-applied-configuration",
];

/** The key of this process alone: a digest under it tells values apart, and says nothing else of them. */
const keyOfRun = randomBytes(32);

function hidden(value: unknown): unknown {
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hidden(item)]));
  const digest = createHmac("sha256", keyOfRun).update(String(value)).digest("hex");
  return `(hidden ${digest.slice(0, 8)})`;
}

/** A manifest without the values of a Secret: of each there is only to see whether it changed. */
export function hide(manifest: Manifest): Manifest {
  if (manifest.kind !== "Secret") return manifest;
  const replacer = (key: string, value: unknown) => (kept.includes(key) ? hidden(value) : value);
  return JSON.parse(JSON.stringify(manifest, replacer));
}
