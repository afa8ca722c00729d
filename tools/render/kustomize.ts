import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { run, succeeds, UserError } from "../cli/command.ts";
import { findTool, goEnvironment, hasGo, keep, pinned, temporary } from "../cli/pinned-tools.ts";
import { git, gitEnvironment } from "../git/git.ts";
import { serve } from "./mirrors.ts";

export interface Kustomize {
  /** Which program renders, for people. */
  name: string;
  /** @returns the manifests of a folder, as YAML */
  build(folder: string): Promise<string>;
}

/**
 * Finds a Kustomize: the pinned one, which is the one that Argo CD bundles, from PATH; else built by Go, or
 * from its release; else the one within kubectl.
 * @param root the copy of this repository that it is to render from: it says which releases it builds on
 */
export async function findKustomize(root = "."): Promise<Kustomize> {
  const tool = await findTool("kustomize");
  if (tool) return kustomize(root, [tool.command, "build"], tool.origin);
  if (await succeeds("kubectl", ["kustomize", "--help"])) {
    return kustomize(
      root,
      ["kubectl", "kustomize"],
      `kubectl kustomize, in place of kustomize ${pinned("kustomize")}`,
    );
  }
  throw new UserError(
    `Nothing here renders manifests: install kustomize ${pinned("kustomize")}, Go, or kubectl; or let this machine reach github.com, where a release is.`,
  );
}

async function kustomize(
  root: string,
  [command = "", ...args]: string[],
  name: string,
): Promise<Kustomize> {
  const env = {
    ...gitEnvironment(),
    ...(await basesFromGo(root)),
    GIT_ALLOW_PROTOCOL: protocols,
  };
  return { name, build: (folder) => inTurn(() => run(command, [...args, folder], { env })) };
}

/** As many at a time as there are processors: Kustomize gives up on a Git that takes half a minute. */
const lanes = Array.from({ length: availableParallelism() }, () => Promise.resolve<unknown>(""));
let turn = 0;

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const lane = turn++ % lanes.length;
  const done = (lanes[lane] ?? Promise.resolve()).then(work);
  lanes[lane] = done.catch(() => {});
  return done;
}

/**
 * What the Git that Kustomize starts may speak: HTTPS with hosts, and HTTP with the mirrors. With a folder, or by SSH, it
 * would run a program that a URL can name.
 */
const protocols = "https:http";

/** Releases that kustomizations here build on, where they are, and the Go module that has each one's files. */
const bases = {
  "argocd/install": ["https://github.com/argoproj/argo-cd", "github.com/argoproj/argo-cd/v3"],
  "clusters/base/rollouts": [
    "https://github.com/argoproj/argo-rollouts",
    "github.com/argoproj/argo-rollouts",
  ],
  "clusters/local/metrics-server": [
    "https://github.com/kubernetes-sigs/metrics-server",
    "sigs.k8s.io/metrics-server",
  ],
} as const;

/**
 * Where Go is there, its proxy has the files of those releases too, checked and cached. Served to
 * Kustomize as Git repositories, they make rendering quick, and possible where Git hosts are
 * out of reach. Without Go, Kustomize fetches them from where the kustomizations say.
 * @returns environment variables for Git
 */
async function basesFromGo(root: string): Promise<NodeJS.ProcessEnv> {
  if (!(await hasGo())) return {};
  const mirrors = await Promise.all(
    Object.entries(bases).map(async ([folder, [url, module]]) => {
      const file = join(root, folder, "kustomization.yaml");
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      // The files may be of somebody else's commit: nothing but a version, and no other place.
      const version = text.split(`${url}//manifests`)[1]?.match(/^\S*\?ref=(v[\w.-]+)\s/)?.[1];
      // A release that is not there fails the folder that names it, and no other.
      const mirror = version && (await mirrorOf(module, version).catch(() => undefined));
      return mirror ? [{ url, mirror }] : [];
    }),
  );
  const found = mirrors.flat();
  if (found.length === 0) return {};
  const served = await serve(found.map(({ mirror }) => mirror));
  return Object.fromEntries([
    // Nobody's own settings send it elsewhere, such as to the same host by SSH.
    ["GIT_CONFIG_NOSYSTEM", "1"],
    ["GIT_CONFIG_GLOBAL", "/dev/null"],
    ["GIT_CONFIG_COUNT", String(found.length)],
    ...found.flatMap(({ url }, index) => [
      [`GIT_CONFIG_KEY_${index}`, `url.${served[index]}.insteadOf`],
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
  const { Dir } = JSON.parse(await run("go", download, { env: goEnvironment() }));
  const folder = temporary();
  const author = ["-c", `user.name=${name}`, "-c", `user.email=${name}`];
  // The user's own hooks have no say in it, and neither have the user's ignored files.
  const nobodys = ["-c", "core.hooksPath=/dev/null", "-c", "core.excludesFile=/dev/null"];
  const inMirror = (...args: string[]) =>
    git(["--git-dir", folder, "--work-tree", Dir, ...author, ...nobodys, ...args]);
  await git(["init", "--quiet", "--bare", "--template=", folder]);
  await inMirror("add", "manifests");
  await inMirror("commit", "--quiet", "--message", `${name} ${version}`);
  await inMirror("tag", version);
  keep(folder, mirror);
  return mirror;
}
