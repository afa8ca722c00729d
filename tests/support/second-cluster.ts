import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, succeeds } from "../../tools/cli/command.ts";
import { connectRegistry, startRegistry } from "../../tools/local/registry.ts";

/** A cluster beside that of make up: the same, but for its address. One at a time. */
export const secondCluster = "pe-gitops-e2e";
export const address = "127.0.0.2";

const folder = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));

/**
 * Starts it, empty, with the registry of the first one. The environment of this process leads kubectl to it.
 * @param workers how many nodes there are beside the control plane; all of them have `shared`
 * @param shared a folder of this machine, as storage that a cluster can attach to any node
 */
export async function startSecondCluster(workers = 0, shared = ""): Promise<void> {
  process.env.KUBECONFIG = join(folder, "kubeconfig");
  const config = readFileSync("clusters/local/kind.yaml", "utf8")
    .replace("name: pe-gitops", `name: ${secondCluster}`)
    // The first one's backup.
    .replace(/ +extraMounts:\n.*\n.*\n/, "")
    .replaceAll("127.0.0.1", address);
  const file = join(folder, "kind.yaml");
  const [image = ""] = /^ +image: .*\n/m.exec(config) ?? [];
  const mount = `    extraMounts:\n      - { hostPath: ${shared}, containerPath: /shared }\n`;
  writeFileSync(file, config + `  - role: worker\n${image}${mount}`.repeat(workers));
  await run("kind", ["delete", "cluster", "--name", secondCluster]);
  await run("kind", ["create", "cluster", "--config", file, "--wait", "3m"]);
  // kind waits for the control plane alone.
  await run("kubectl", ["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=2m"]);
  await connectRegistry(await startRegistry(), secondCluster);
}

export async function removeSecondCluster(): Promise<void> {
  await succeeds("kind", ["delete", "cluster", "--name", secondCluster]);
  rmSync(folder, { recursive: true });
}
