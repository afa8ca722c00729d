import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Advice, run, succeeds } from "./command.ts";

const pinned = /^kustomize (.+)$/m.exec(readFileSync(".tool-versions", "utf8"))?.[1];

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
  if (version === `v${pinned}`) return kustomize("kustomize", `kustomize ${pinned} from PATH`);

  const built = resolve(`.tools/kustomize-${pinned}/kustomize`);
  if (existsSync(built) || (await goInstall(built))) {
    return kustomize(built, `kustomize ${pinned} built by Go, in ${built}`);
  }
  if (await succeeds("kubectl", ["kustomize", "--help"])) {
    const build = (folder: string) => run("kubectl", ["kustomize", folder]);
    return {
      name: `kubectl kustomize, which may differ from the pinned kustomize ${pinned}`,
      build,
    };
  }
  throw new Advice(`Nothing here renders manifests: install kustomize ${pinned}, Go, or kubectl.`);
}

const kustomize = (command: string, name: string): Kustomize => ({
  name,
  build: (folder) => run(command, ["build", folder]),
});

async function goInstall(binary: string): Promise<boolean> {
  if (!(await succeeds("go", ["version"]))) return false;
  console.log(`▸ Building kustomize ${pinned} with Go, once`);
  const env = {
    ...process.env,
    GOBIN: resolve(binary, ".."),
    GOFLAGS: "-mod=mod",
    CGO_ENABLED: "0",
  };
  await run("go", ["install", `sigs.k8s.io/kustomize/kustomize/v5@v${pinned}`], { env });
  return true;
}
