import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A part of a file that becomes another text. */
export interface Replacement {
  what: string;
  file: string;
  /** The text that is replaced. The file has it exactly once. */
  from: string;
  to: string;
}

/** A file that was not there before. */
interface NewFile {
  what: string;
  file: string;
  content: string;
  /** Of the file, such as 0o755 for a program. */
  mode?: number;
}

/** A symbolic link that was not there before. */
interface Link {
  what: string;
  file: string;
  target: string;
}

/** A file that gets another name in its folder. */
interface Renaming {
  what: string;
  file: string;
  newName: string;
}

export type Edit = Replacement | NewFile | Link | Renaming;

/**
 * @param text of the file before
 * @returns the text after
 * @throws Error when the edit does not apply: it has to follow the file that it changes
 */
export function edited(text: string, { file, from, to }: Replacement): string {
  const parts = text.split(from);
  if (parts.length === 2) return parts.join(to);
  throw new Error(`${file} has it ${parts.length - 1} times, not once: ${from}`);
}

/**
 * Changes one file of a copy.
 * @returns how to take the change back
 */
export function apply(root: string, edit: Edit): () => void {
  const path = join(root, edit.file);
  if ("newName" in edit) {
    const renamed = join(dirname(path), edit.newName);
    renameSync(path, renamed);
    return () => renameSync(renamed, path);
  }
  if ("content" in edit || "target" in edit) {
    const made = mkdirSync(dirname(path), { recursive: true });
    // It must not replace a file.
    if ("target" in edit) symlinkSync(edit.target, path);
    else writeFileSync(path, edit.content, { flag: "wx", mode: edit.mode ?? 0o644 });
    return () => rmSync(made ?? path, { recursive: true });
  }
  const text = readFileSync(path, "utf8");
  writeFileSync(path, edited(text, edit));
  return () => writeFileSync(path, text);
}
