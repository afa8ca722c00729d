import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Advice, run, succeeds } from "./command.ts";

const pinned = /^kustomize (.+)$/m.exec(readFileSync(".tool-versions", "utf8"))?.[1];

/** Go fetches a newer Go by itself where a module asks for one. */
const goEnv = { ...process.env, GOTOOLCHAIN: "auto", GOFLAGS: "-mod=mod" };

export interface Kustomize {
  /** Which program renders, for people. */
  name: string;
  /** @returns the manifests of a folder, as YAML */
  build(folder: string): Promise<string>;
}

/**
 * Finds a Kustomize: the pinned one, which is the one that Argo CD bundles, from PATH; else built by Go;
 * else the one within kubectl.
 */
export async function findKustomize(): Promise<Kustomize> {
  const version = await run("kustomize", ["version"]).catch(() => "");
  if (version === `v${pinned}`) {
    return kustomize(["kustomize", "build"], `kustomize ${pinned} from PATH`);
  }
  const built = resolve(`.tools/kustomize-${pinned}/kustomize`);
  if (existsSync(built) || (await goInstall(built))) {
    return kustomize([built, "build"], `kustomize ${pinned} built by Go`);
  }
  if (await succeeds("kubectl", ["kustomize", "--help"])) {
    return kustomize(
      ["kubectl", "kustomize"],
      `kubectl kustomize, in place of kustomize ${pinned}`,
    );
  }
  throw new Advice(`Nothing here renders manifests: install kustomize ${pinned}, Go, or kubectl.`);
}

async function kustomize([command = "", ...args]: string[], name: string): Promise<Kustomize> {
  const env = { ...process.env, ...(await basesFromGo()) };
  return { name, build: (folder) => run(command, [...args, folder], { env }) };
}

/**
 * A folder to make things in that are renamed when they are whole: one that was interrupted is not taken
 * for it, and of two processes that make the same thing either may be first.
 */
function temporary(): string {
  mkdirSync(".tools", { recursive: true });
  return mkdtempSync(resolve(".tools/new-"));
}

async function goInstall(binary: string): Promise<boolean> {
  if (!(await succeeds("go", ["version"]))) return false;
  console.log(`▸ Building kustomize ${pinned} with Go, once`);
  const module = `sigs.k8s.io/kustomize/kustomize/v5@v${pinned}`;
  const folder = temporary();
  await run("go", ["install", module], { env: { ...goEnv, GOBIN: folder } });
  mkdirSync(dirname(binary), { recursive: true });
  renameSync(join(folder, "kustomize"), binary);
  rmSync(folder, { recursive: true });
  return true;
}

/** Releases that kustomizations here build on, and the Go module that has each one's files. */
const bases = {
  "argocd/install": "github.com/argoproj/argo-cd/v3",
  "clusters/local/metrics-server": "sigs.k8s.io/metrics-server",
};

/**
 * Where Go is there, its proxy has the files of those releases too, checked and cached. Served to
 * Kustomize as Git repositories on disk, they make rendering quick, and possible where Git hosts are
 * out of reach. Without Go, Kustomize fetches them from where the kustomizations say.
 * @returns environment variables for Git
 */
async function basesFromGo(): Promise<NodeJS.ProcessEnv> {
  if (!(await succeeds("go", ["version"]))) return {};
  const mirrors = await Promise.all(
    Object.entries(bases).map(async ([folder, module]) => {
      const text = readFileSync(join(folder, "kustomization.yaml"), "utf8");
      const [, url = "", version = ""] = /(https:\S+)\/\/manifests\S+ref=(\S+)/.exec(text) ?? [];
      return [url, await mirrorOf(module, version)];
    }),
  );
  return Object.fromEntries([
    ["GIT_CONFIG_COUNT", String(mirrors.length)],
    ...mirrors.flatMap(([url, mirror], index) => [
      [`GIT_CONFIG_KEY_${index}`, `url.file://${mirror}.insteadOf`],
      [`GIT_CONFIG_VALUE_${index}`, url],
    ]),
  ]);
}

/** @returns a Git repository with a release's manifests, made from its Go module */
async function mirrorOf(module: string, version: string): Promise<string> {
  const name = module.replace(/\/v\d+$/, "").replace(/.*\//, "");
  const mirror = resolve(`.tools/${name}-${version}.git`);
  if (existsSync(mirror)) return mirror;
  const download = ["mod", "download", "-json", `${module}@${version}`];
  const { Dir } = JSON.parse(await run("go", download, { env: goEnv }));
  const folder = temporary();
  const author = ["-c", `user.name=${name}`, "-c", `user.email=${name}`];
  const git = (...args: string[]) =>
    run("git", ["--git-dir", folder, "--work-tree", Dir, ...author, ...args]);
  await run("git", ["init", "--quiet", "--bare", folder]);
  await git("add", "manifests");
  await git("commit", "--quiet", "--message", `${name} ${version}`);
  await git("tag", version);
  try {
    renameSync(folder, mirror);
  } catch (error) {
    if (!existsSync(mirror)) throw error;
    rmSync(folder, { recursive: true });
  }
  return mirror;
}
