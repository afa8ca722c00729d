import { dirname, join } from "node:path";
import { gitIn } from "./git.ts";

/** What the kustomizations of a commit name, each by its folder. */
type Named = Map<string, string[]>;

const known = new Map<string, Promise<Named>>();

/** Reads every kustomization of a commit, once. */
function namedAt(commit: string, folder: string): Promise<Named> {
  const key = `${folder} ${commit}`;
  const named = known.get(key) ?? readAt(commit, folder);
  known.set(key, named);
  return named;
}

async function readAt(commit: string, folder: string): Promise<Named> {
  const grep = ["grep", "--no-line-number", "--no-column", "-e", "", commit, "--"];
  const found = await gitIn(folder)(...grep, "*kustomization.yaml").catch(() => "");
  const named: Named = new Map();
  for (const [, file = "", text = ""] of found.matchAll(/^[^:]+:([^:]+):([^#\n]*)/gm)) {
    const at = dirname(file);
    const words = text.split(/[\s,[\]"']+/).map((word) => join(at, word));
    named.set(at, [...(named.get(at) ?? []), ...words]);
  }
  return named;
}

/**
 * Whether Kustomize comes by one of some files when it renders folders, as a commit has them.
 * @param commit in full
 */
export async function reaches(
  commit: string,
  folders: string[],
  files: string[],
  folder = ".",
): Promise<boolean> {
  const named = await namedAt(commit, folder);
  const used = new Set(folders);
  // Whatever is added while the loop runs is visited as well.
  for (const one of used) for (const path of named.get(one) ?? []) used.add(path);
  return files.some((file) => used.has(file) || used.has(dirname(file)));
}
