import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
}

/** A file that gets another name in its folder. */
interface Renaming {
  what: string;
  file: string;
  newName: string;
}

export type Edit = Replacement | NewFile | Renaming;

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
  if ("content" in edit) {
    // It must not replace a file.
    writeFileSync(path, edit.content, { flag: "wx" });
    return () => rmSync(path);
  }
  const text = readFileSync(path, "utf8");
  writeFileSync(path, edited(text, edit));
  return () => writeFileSync(path, text);
}
