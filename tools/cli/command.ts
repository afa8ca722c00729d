import { type SpawnOptions, spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** A failure that the user can do something about: shown without a stack. */
export class UserError extends Error {}

interface Options extends Pick<SpawnOptions, "cwd" | "env"> {
  /** Given to the command's standard input. */
  input?: string;
  /** Lets the user see what the command prints; nothing is returned then. */
  show?: boolean;
  /** Return what it prints to standard error as well. */
  both?: boolean;
}

/**
 * Runs a command to its end.
 * @returns what it printed to standard output, without the last newline
 * @throws Error with the command line and all that it printed
 */
export async function run(command: string, args: string[], options: Options = {}): Promise<string> {
  const { input = "", show = false, both = false, ...rest } = options;
  const output = show ? "inherit" : "pipe";
  const child = spawn(command, args, { ...rest, stdio: ["pipe", output, output] });
  const failed = new Promise<never>((_resolve, reject) => child.once("error", reject));
  // A command that ends without reading its input is judged by its exit code alone.
  child.stdin?.on("error", () => {}).end(input);
  const [stdout, stderr, code] = await Promise.race([
    failed,
    Promise.all([
      child.stdout ? text(child.stdout) : "",
      child.stderr ? text(child.stderr) : "",
      new Promise((resolve) => child.once("close", (exit, signal) => resolve(exit ?? signal))),
    ]),
  ]);
  if (code === 0) return (both ? stdout + stderr : stdout).trimEnd();
  const printed = `${stdout}\n${stderr}`.trim();
  throw new Error(`${command} ${args.join(" ")} failed (${code})\n${printed}`);
}

/** Whether an error of run() says that there is no such program. */
export const isMissing = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";

/** Whether a command can be run and succeeds. */
export async function succeeds(command: string, args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}

/** Runs a script's main function: a UserError is printed as it is, everything else with its stack. */
export function main(body: () => Promise<void>): void {
  // Leave by way of the "exit" event, which cleans up.
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  body().catch((error: Error) => {
    console.error(error instanceof UserError ? `\n✘ ${error.message}` : error);
    // A child that still runs would keep this process, and who waits for it, for ever.
    process.exit(1);
  });
}
