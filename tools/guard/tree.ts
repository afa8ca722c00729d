import { readFileSync } from "node:fs";
import { join } from "node:path";
import { git } from "../git/git.ts";

/** The files of a commit, as Git has them. */
export interface Tree {
  files: Map<string, { mode: string; size: number }>;
  /** @param file a plain one */
  read(file: string): string;
}

/** The mode of a file that is no link, no submodule and no program. */
export const plain = "100644";

/**
 * @param commit what is looked at: no file is left out, whatever its name
 * @param folder where filesOf() has put its files
 */
export async function treeOf(commit: string, folder: string): Promise<Tree> {
  const list = await git(["ls-tree", "-r", "-l", "-z", "--full-tree", commit]);
  const files = list
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const [, mode = "", size = "", path = ""] =
        /^(\d+) \w+ \w+ +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      return [path, { mode, size: Number(size) || 0 }] as const;
    });
  return { files: new Map(files), read: (file) => readFileSync(join(folder, file), "utf8") };
}
