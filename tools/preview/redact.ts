import { createHmac, randomBytes } from "node:crypto";
import type { Manifest } from "../render/manifests.ts";

/** Names of credentials, rather too many than one too few. */
const names =
  "passw(?:or)?d|passphrase|secret|token|credential|(?:api|private|access|signing)[-_.]?key|connection[-_.]?string|last-applied-configuration";
const credential = new RegExp(names, "i");

/** Names of what only says where a credential is, or for whom. */
const reference = /(name|ref|file|path|dir|url|endpoint|audience)$/i;

/** A name and its value within a longer text, such as an argument, a line of a file, or an error. */
const assigned = new RegExp(`(?<=(?:${names})s?["']?\\s*[:=]\\s*)[^\\s,;&]+`, "gi");

/** The key of this process alone: a digest under it tells values apart, and says nothing else of them. */
const keyOfRun = randomBytes(32);
const hidden = (value: string): string =>
  `(hidden ${createHmac("sha256", keyOfRun).update(value).digest("hex").slice(0, 8)})`;

/** A text without the values of credentials. */
export const hideInText = (text: string): string => text.replace(assigned, hidden);

/** A manifest without the data of a Secret, and without the values of credentials, as their names tell. */
export function hide(manifest: Manifest): Manifest {
  const visit = (value: unknown, name = "", secret = false): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, name, secret));
    if (value && typeof value === "object") {
      // An environment variable has its name beside its value.
      const variable = "name" in value && "value" in value ? String(value.name) : "value";
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          visit(item, key === "value" ? variable : key, secret || isData(key)),
        ]),
      );
    }
    if (secret) return hidden(String(value));
    if (typeof value !== "string") return value;
    return credential.test(name) && !reference.test(name) ? hidden(value) : hideInText(value);
  };
  const isData = (key: string) =>
    manifest.kind === "Secret" && /^(data|stringData|binaryData)$/.test(key);
  return visit(manifest) as Manifest;
}
