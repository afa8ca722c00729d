import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { plain, type Tree } from "../../tools/guard/tree.ts";

/** Every file of a copy, those included that Git would ignore. */
function walk(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory() && !existsSync(join(root, path, ".git"));
    return isFolder ? walk(root, path) : [path];
  });
}

/** What Git has of a working copy, and what git add --all would give it. */
const tracked = (root: string): string[] =>
  ["--cached", "--others"]
    .flatMap((which) =>
      execFileSync("git", ["-C", root, "ls-files", "-z", which, "--exclude-standard"], {
        encoding: "utf8",
      }).split("\0"),
    )
    .filter((file) => file && lstatSync(join(root, file), { throwIfNoEntry: false }));

function modeOf(path: string): string {
  const file = lstatSync(path);
  if (file.isSymbolicLink()) return "120000";
  if (file.isDirectory()) return "160000";
  return file.mode & 0o100 ? "100755" : plain;
}

/** The files of a working copy, or of a copy of all its files, as they would be in a commit. */
export function treeIn(root: string): Tree {
  const files = existsSync(join(root, ".git")) ? tracked(root) : walk(root);
  return {
    files: new Map(
      files.map((file) => {
        const path = join(root, file);
        return [file, { mode: modeOf(path), size: lstatSync(path).size }] as const;
      }),
    ),
    read: (file) => readFileSync(join(root, file), "utf8"),
  };
}
