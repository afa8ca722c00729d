import { UserError } from "./command.ts";

// The options of every make target are variables, in capitals: make SERVICE=payment promote, or SERVICE=payment in
// the environment. make hands them on in the environment, so no shell and no recipe ever reads their values.

/** @returns what a variable says; the fallback where it is not set, or empty */
export const option = (variable: string, fallback = ""): string =>
  process.env[variable] || fallback;

/** A name that is one to shells, URLs, Kubernetes and YAML alike: of a service, for one. */
export const isName = (text: string): boolean => /^[a-z][a-z0-9-]*$/.test(text);

/**
 * Something's name: of a service, an environment, an architecture.
 * @returns what the variable says; nothing where it is not set
 * @throws UserError about a name that is not of small letters, digits and hyphens, a letter first
 */
export function nameOption(variable: string): string {
  const name = option(variable);
  if (name && !isName(name)) {
    throw new UserError(
      `${variable} must be a name of letters a to z, digits and hyphens, a letter first, and is "${name}".`,
    );
  }
  return name;
}

/**
 * A commit as Git takes it: HEAD~1, main, 1a2b3c4.
 * @throws UserError about what Git would take for one of its options
 */
export function revisionOption(variable: string, fallback = ""): string {
  const revision = option(variable, fallback);
  if (/^-|[\s\0]/.test(revision)) {
    throw new UserError(
      `${variable} must be a commit, such as HEAD~1 or 1a2b3c4, and is "${revision}".`,
    );
  }
  return revision;
}

/**
 * Whether a variable is 1.
 * @throws UserError about any other value: a mistyped dry run must not write
 */
export function flagOption(variable: string): boolean {
  const value = option(variable);
  if (value !== "" && value !== "1") {
    throw new UserError(`${variable} must be 1 or left out, and is "${value}".`);
  }
  return value === "1";
}
