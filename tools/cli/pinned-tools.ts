import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run, succeeds } from "./command.ts";
import { warn } from "./progress.ts";

/** The version of each program, from the text of .tool-versions. */
export const toolVersions = (text: string): Map<string, string> =>
  new Map(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [name: string, version: string]),
  );

const versions = toolVersions(
  readFileSync(join(import.meta.dirname, "../../.tool-versions"), "utf8"),
);

/** The version of a program that .tool-versions pins. */
export function pinned(name: string): string {
  const version = versions.get(name);
  if (!version) throw new Error(`.tool-versions has no ${name}`);
  return version;
}

// Where Go's own installer puts it, which is on nobody's PATH by itself.
process.env.PATH += ":/usr/local/go/bin";

/** Go fetches a newer Go by itself where a module asks for one. */
export const goEnv = { ...process.env, GOTOOLCHAIN: "auto", GOFLAGS: "-mod=mod" };

/**
 * A folder to make things in that are renamed when they are whole: one that was interrupted is not taken
 * for it, and of two processes that make the same thing either may be first.
 */
export function temporary(): string {
  mkdirSync(".tools", { recursive: true });
  return mkdtempSync(resolve(".tools/new-"));
}

/** Where a program is found, and in a few words how. */
export interface Tool {
  command: string;
  origin: string;
}

interface Source {
  /** What the program prints about its version contains it, as here. */
  version: string[];
  /** A Go package that can be built, without its version. */
  go?: string;
  /** A package of PyPI that has the program in it. */
  pip?: string;
}

/**
 * Finds a program at its pinned version: on PATH; else in .tools, put there once by Go or pip.
 * @returns undefined where there is neither
 */
export async function findTool(name: string, source: Source): Promise<Tool | undefined> {
  const version = pinned(name);
  const printed = await run(name, source.version).catch(() => "");
  if (new RegExp(`(^|[ v])${RegExp.escape(version)}$`, "m").test(printed)) {
    return { command: name, origin: `${name} ${version} from PATH` };
  }
  const command = resolve(`.tools/${name}-${version}/${name}`);
  if (!existsSync(command)) {
    try {
      if (source.go) await goInstall(command, `${source.go}@v${version}`);
      if (source.pip) await pipInstall(command, `${source.pip}==${version}`);
    } catch (error) {
      warn(`${name} ${version} cannot be had here. ${(error as Error).message}`);
    }
  }
  return existsSync(command) ? { command, origin: `${name} ${version} from .tools` } : undefined;
}

async function goInstall(command: string, what: string): Promise<void> {
  if (!(await succeeds("go", ["version"]))) return;
  console.log(`▸ Building ${what} with Go, once`);
  const folder = temporary();
  await run("go", ["install", what], { env: { ...goEnv, GOBIN: folder } });
  keep(folder, dirname(command));
}

async function pipInstall(command: string, what: string): Promise<void> {
  const pip = ["-m", "pip", "--disable-pip-version-check"];
  if (!(await succeeds("python3", [...pip, "--version"]))) return;
  console.log(`▸ Installing ${what} with pip, once`);
  const folder = temporary();
  await run("python3", [
    ...[...pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:"],
    ...["--target", folder, what],
  ]);
  keep(join(folder, "bin"), dirname(command));
  rmSync(folder, { recursive: true });
}

/** Gives a folder that is whole its name, unless another process was first. */
export function keep(folder: string, name: string): void {
  try {
    renameSync(folder, name);
  } catch (error) {
    if (!existsSync(name)) throw error;
    rmSync(folder, { recursive: true });
  }
}
