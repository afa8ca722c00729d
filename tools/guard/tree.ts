import { run } from "../cli/command.ts";
import { textAt } from "../git/git.ts";

/** The files of a commit, as Git has them. */
export interface Tree {
  files: Map<string, { mode: string; size: number }>;
  read(file: string): string | Promise<string>;
}

/** A file, and not a link, a submodule or a program. */
export const plain = "100644";

/** @param commit that the repository has; none of its files is written anywhere */
export async function treeOf(commit: string, folder = "."): Promise<Tree> {
  const list = await run("git", ["-C", folder, "ls-tree", "-r", "-l", "-z", "--full-tree", commit]);
  const files = list
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const [, mode = "", size = "", path = ""] =
        /^(\d+) \w+ \w+ +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      return [path, { mode, size: Number(size) || 0 }] as const;
    });
  return { files: new Map(files), read: (file) => textAt(commit, file, folder) };
}
