import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run } from "../../tools/cli/command.ts";
import { commitOnTop } from "../../tools/delivery/bump-commit.ts";
import { temporary } from "./temporary.ts";

/** Runs a program to its end. @returns whether it succeeded, and all that it printed */
export const attempt = (
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<[succeeded: boolean, printed: string]> =>
  run(command, args, { ...options, both: true }).then(
    (printed) => [true, printed],
    (error: Error) => [false, error.message],
  );

/** A clone that a test makes up, and the repository that it pushes to. */
export class WorkingCopy {
  readonly folder: string = temporary();
  readonly origin: string = temporary();
  /** For Git, beside that of the process: the time of commits, for one. */
  env: NodeJS.ProcessEnv = {};

  async init(): Promise<this> {
    await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", this.origin]);
    await run("git", ["init", "--quiet", "--initial-branch=main", this.folder]);
    await this.git("remote", "add", "origin", this.origin);
    await this.git("config", "user.name", "test");
    await this.git("config", "user.email", "test@localhost");
    return this;
  }

  git(...args: string[]): Promise<string> {
    return run("git", ["-C", this.folder, ...args], { env: { ...process.env, ...this.env } });
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  /** Replaces a part of a file, which must be there. */
  edit(file: string, from: string, to: string): void {
    const text = this.read(file);
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    this.write(
      file,
      text.replace(from, () => to),
    );
  }

  /** Commits all there is, and these files, and pushes. @returns the commit */
  async commit(message = "a change", files: Record<string, string> = {}): Promise<string> {
    for (const [file, text] of Object.entries(files)) this.write(file, text);
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.push();
  }

  /** @returns what is the newest commit then */
  async push(): Promise<string> {
    await this.git("push", "--quiet", "origin", "HEAD:main");
    return this.git("rev-parse", "HEAD");
  }

  /** @returns the commit that takes one back */
  async revert(commit: string): Promise<string> {
    await this.git("revert", "--no-edit", commit);
    return this.push();
  }

  /** Brings an image to testing, as a workflow does. @returns the bump */
  async bump(service: string, commit: string, digest: string): Promise<string> {
    const how = { environment: "testing", env: this.env };
    await this.git(
      "merge",
      "--quiet",
      await commitOnTop(this.folder, { service, commit, digest }, "HEAD", how),
    );
    return this.push();
  }

  /** Runs a command of tools/commands here. @param env in place of the process' */
  command(name: string, args: string[], env: NodeJS.ProcessEnv) {
    const script = resolve(`tools/commands/${name}.ts`);
    return attempt(process.execPath, [script, ...args], { cwd: this.folder, env });
  }
}
