import { run, succeeds, UserError } from "../cli/command.ts";
import { cluster } from "../kubernetes/cluster.ts";

/** The registry of this machine, as kind's documentation sets one up: docker pushes to it, nodes pull from it. */
export const localRegistry = "localhost:5000";

const container = `${cluster}-registry`;
const image = "registry:3.0.0";

/**
 * Starts the registry, unless a container serves that port already.
 * @returns the container's name
 */
export async function startRegistry(): Promise<string> {
  const port = localRegistry.split(":")[1];
  const [running] = (
    await run("docker", ["ps", "--filter", `publish=${port}`, "--format", "{{.Names}}"])
  ).split("\n");
  if (running) return running;
  if (await succeeds("docker", ["start", container])) return container;
  const publish = ["--publish", `127.0.0.1:${port}:5000`, "--restart", "always"];
  await run("docker", ["run", "--detach", "--name", container, ...publish, image]).catch(
    (error) => {
      throw new UserError(
        `No registry can be started on port ${port}.\n  ${(error as Error).message}`,
      );
    },
  );
  return container;
}

/** Removes the registry and the images in it, if startRegistry made it. */
export async function removeRegistry(): Promise<void> {
  await succeeds("docker", ["rm", "--force", "--volumes", container]);
}

/**
 * Lets the nodes of a local cluster pull from the registry: what is named localhost:5000 there, and
 * what the manifests name ghcr.io, if the registry has it.
 * @param name the registry's container
 * @param of the cluster, as kind names it
 */
export async function connectRegistry(name: string, of = cluster): Promise<void> {
  const networks = await run("docker", [
    "inspect",
    name,
    "--format",
    "{{json .NetworkSettings.Networks}}",
  ]);
  if (!("kind" in JSON.parse(networks))) await run("docker", ["network", "connect", "kind", name]);
  const nodes = await run("kind", ["get", "nodes", "--name", of]);
  for (const node of nodes.split("\n")) {
    for (const host of [localRegistry, "ghcr.io"]) {
      const folder = `/etc/containerd/certs.d/${host}`;
      const text = `server = "https://${host}"\n[host."http://${name}:5000"]\n  capabilities = ["pull", "resolve"]\n`;
      await run("docker", ["exec", node, "mkdir", "-p", folder]);
      await run("docker", ["exec", "-i", node, "cp", "/dev/stdin", `${folder}/hosts.toml`], {
        input: text,
      });
    }
  }
}
