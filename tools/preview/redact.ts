import type { Manifest } from "../render/manifests.ts";
import type { Change } from "./changes.ts";

/** Names of what is nobody's business. Rather too many are hidden than one too few. */
const name =
  /passw(or)?d|passphrase|secret|token|credential|(api|private|access|signing)[-_.]?key|connection[-_.]?string|last-applied-configuration/i;

/** Names of what only says where a secret is, or for whom. */
const reference = /(name|ref|file|path|dir|url|endpoint|audience)$/i;

/** What gives itself away, whatever it is called. */
const patterns = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
  /\b(gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk_(live|test)_|sk-|npm_|AKIA|ASIA)[\w-]{12,}/g,
  // The password within a URL.
  /(?<=:\/\/[^\s:/@]*:)[^\s/@]+(?=@)/g,
  // A name and its value within a longer text, such as an argument or a line of a file.
  /(?<=(passw(or)?d|passphrase|secret|token|credentials?|api[-_.]?key|private[-_.]?key)["']?\s*[:=]\s*)(?!\(hidden)[^\s,;&]+/gi,
];

const long = /[\w+/=-]{32,}/g;

/** Whether a long word is too irregular for a name: such as 32 random letters and digits. */
function isRandom(word: string): boolean {
  if (!/[a-z]/.test(word) || !/[A-Z]/.test(word) || !/\d/.test(word)) return false;
  const counts = new Map<string, number>();
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1);
  const bits = [...counts.values()].reduce((sum, count) => {
    const share = count / word.length;
    return sum - share * Math.log2(share);
  }, 0);
  return bits > 4;
}

/** Gets a secret, answers with what is shown in its place. */
type Replace = (secret: string) => string;

function replaceIn(text: string, replace: Replace): string {
  return patterns
    .reduce((before, pattern) => before.replace(pattern, replace), text)
    .replace(long, (word) => (isRandom(word) ? replace(word) : word));
}

/** A text, such as an error's, without what looks like a secret. */
export const hideInText = (text: string): string => replaceIn(text, () => "(hidden)");

/**
 * Both sides of a change without the data of Secrets and whatever else looks like a secret. Of each only
 * shows whether it is the same as before.
 */
export function hide({ before, after }: Change): Change {
  const known = new Map<string, Set<string>>();
  const remember = (path: string) => (secret: string) => {
    known.set(path, (known.get(path) ?? new Set()).add(secret));
    return "(hidden)";
  };
  const compare = (path: string) => (secret: string) =>
    known.has(path) && !known.get(path)?.has(secret) ? "(hidden, changed)" : "(hidden)";
  return {
    ...(before && { before: hidden(before, remember) }),
    ...(after && { after: hidden(after, compare) }),
  };
}

function hidden(object: Manifest, replace: (path: string) => Replace): Manifest {
  const visit = (value: unknown, path: string, secret: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, path, secret));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => {
          // An environment variable has its name beside its value.
          const variable = key === "value" && "name" in value ? String(value.name) : undefined;
          const inner = `${path}/${variable ?? key}`;
          return [key, visit(item, inner, secret || isSecret(inner, variable ?? key, item))];
        }),
      );
    }
    if (secret) return replace(path)(String(value));
    return typeof value === "string" ? replaceIn(value, replace(path)) : value;
  };
  const isSecret = (path: string, key: string, value: unknown): boolean => {
    if (object.kind === "Secret" && /^\/(data|stringData|binaryData)$/.test(path)) return true;
    return typeof value === "string" && name.test(key) && !reference.test(key);
  };
  return visit(object, "", false) as Manifest;
}
