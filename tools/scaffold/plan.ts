import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../cli/command.ts";

/**
 * Changes of a working copy. All are known before the first one is made, so what is refused has changed
 * nothing.
 */
export class Plan {
  readonly #root: string;
  readonly #files = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  read(file: string): string {
    return this.#files.get(file) ?? readFileSync(join(this.#root, file), "utf8");
  }

  /** @throws UserError when there is something by that name */
  create(file: string, text: string): void {
    if (existsSync(join(this.#root, file))) {
      throw new UserError(
        `${file} is there already, and stays as it is: choose another name, or remove it.`,
      );
    }
    this.#files.set(file, text);
  }

  /** Changes a file that is there. @throws Error when that changes nothing */
  edit(file: string, change: (text: string) => string): void {
    const before = this.read(file);
    const after = change(before);
    if (after === before) throw new Error(`${file} is not as it was when this was written`);
    this.#files.set(file, after);
  }

  /** Copies a file, or all files of a folder, with a change of each one's text. */
  copy(from: string, to: string, change: (text: string) => string): void {
    const folder = join(this.#root, from);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    for (const file of files.sort())
      this.create(join(to, file), change(this.read(join(from, file))));
  }

  /** Makes the changes. @returns the files, as Git shows them: + for a new one, ~ for a changed one */
  write(): string[] {
    return [...this.#files].map(([file, text]) => {
      const path = join(this.#root, file);
      const mark = existsSync(path) ? "~" : "+";
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return `${mark} ${file}`;
    });
  }
}

/** A function that puts one word in the place of another: `payment`, but not the one in `repayments`. */
export function renaming(from: string, to: string): (text: string) => string {
  return (text) => text.replaceAll(new RegExp(`\\b${from}\\b`, "g"), to);
}

/** What YAML 1.1 takes for a boolean or for nothing, where a name stands without quotes. */
const yamlWords = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/**
 * @param kind what is to be named, for people
 * @param taken names that are in use, or mean something else
 * @throws UserError about a name that is missing, taken, or none that Kubernetes and Git take everywhere
 */
export function checkName(name: string, kind: "service" | "environment", taken: string[]): void {
  const example = { service: "invoices-mail", environment: "staging" }[kind];
  const usage = `make new-${kind} NAME=${example}`;
  if (!name) throw new UserError(`Say the name of the ${kind}: ${usage}`);
  if (!/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name)) {
    throw new UserError(
      `"${name}" cannot be the name of a ${kind}: at most 40 letters a to z, digits and hyphens, a letter first ` +
        `and no hyphen last, as in ${usage}`,
    );
  }
  if (yamlWords.includes(name)) {
    throw new UserError(
      `"${name}" cannot be the name of a ${kind}: in YAML it is a value, and not a word. Choose another, as in ${usage}`,
    );
  }
  if (taken.includes(name)) throw new UserError(`${name} is taken: choose another name.`);
}
