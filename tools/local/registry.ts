import { readFileSync } from "node:fs";
import { run, succeeds, UserError } from "../cli/command.ts";
import { option } from "../cli/options.ts";
import { cluster } from "../kubernetes/cluster.ts";

/**
 * Where this machine reaches the registry: docker pushes there. Docker takes a registry on localhost without TLS
 * whatever its port. LOCAL_REGISTRY_PORT chooses another one, where something else has 5000.
 */
const port = option("LOCAL_REGISTRY_PORT", "5000");
export const localRegistry = `localhost:${port}`;

/** What manifests call it. Nodes know it by this name, whatever port this machine has it on. */
export const registryInManifests = "localhost:5000";

const container = `${cluster}-registry`;
const image = "registry:3.0.0";

/** The image to push so that nodes find what a manifest names. */
export const toPush = (named: string): string =>
  named.startsWith(`${registryInManifests}/`)
    ? localRegistry + named.slice(registryInManifests.length)
    : named;

/**
 * Starts the registry, as kind's documentation sets one up, unless one is there.
 * @returns the container's name
 * @throws UserError when something else has its port
 */
export async function startRegistry(): Promise<string> {
  if (!/^\d+$/.test(port)) {
    throw new UserError(`LOCAL_REGISTRY_PORT must be the number of a port, and is "${port}".`);
  }
  const running = ["ps", "--filter", `publish=${port}`, "--format", "{{.Names}} {{.Image}}"];
  const [there] = (await run("docker", running)).split("\n").filter(Boolean);
  if (there) {
    const [name = "", of = ""] = there.split(" ");
    if (name === container || isRegistry(of)) return name;
    throw taken(`the container ${name}, of ${of}, which is no registry, has it.`);
  }
  if (await isOnAnotherPort()) await removeRegistry();
  const start = (await succeeds("docker", ["inspect", container]))
    ? ["start", container]
    : [
        ...["run", "--detach", "--name", container, "--restart", "always"],
        ...["--publish", `127.0.0.1:${port}:5000`, image],
      ];
  await run("docker", start).catch((error: Error) => {
    throw taken(error.message);
  });
  return container;
}

/** Docker's own registry, under whatever name it was pulled or mirrored. */
const isRegistry = (image: string) => /(^|\/)registry(:[\w.-]+)?(@sha256:[0-9a-f]+)?$/.test(image);

/** Whether our registry is there, and was made for another port than is wanted now. */
async function isOnAnotherPort(): Promise<boolean> {
  const format = ["--format", "{{json .HostConfig.PortBindings}}"];
  const bindings = await run("docker", ["inspect", container, ...format]).catch(() => undefined);
  return bindings !== undefined && !bindings.includes(`"HostPort":"${port}"`);
}

const taken = (why: string) =>
  new UserError(
    `No registry can be started on port ${port} of this machine: ${why}\n  ` +
      `End what has it (lsof -nP -i :${port} names it), or choose another: export LOCAL_REGISTRY_PORT=5001. ` +
      "docs/operations.md has more under A port is taken.",
  );

/** Removes the registry and the images in it, if startRegistry made it. @returns whether it was there */
export async function removeRegistry(): Promise<boolean> {
  if (!(await succeeds("docker", ["inspect", container]))) return false;
  return succeeds("docker", ["rm", "--force", "--volumes", container]);
}

/**
 * Removes from Docker's own store what was built to be pushed to a registry of this machine. By name: who has the same
 * image under another one keeps it.
 * @returns how many
 */
export async function removeImages(): Promise<number> {
  const git = /image: localhost:\d+(\/\S+\/)git:/;
  const [, ours = ""] = git.exec(readFileSync("clusters/local/git/deployment.yaml", "utf8")) ?? [];
  const list = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"];
  const all = (await run("docker", list).catch(() => "")).split("\n");
  const found = all.filter((name) =>
    /^localhost:\d+(\/.*):[\w.-]+$/.exec(name)?.[1]?.startsWith(ours),
  );
  const isGone = found.length > 0 && (await succeeds("docker", ["image", "rm", ...found]));
  return isGone ? found.length : 0;
}

/**
 * Lets the nodes of a local cluster pull from the registry: what manifests name localhost:5000, or as this machine
 * has it; and what they name ghcr.io, if the registry has it.
 * @param name the registry's container
 * @param of the cluster, as kind names it
 */
export async function connectRegistry(name: string, of = cluster): Promise<void> {
  const inspect = ["inspect", name, "--format", "{{json .NetworkSettings.Networks}}"];
  const networks = await run("docker", inspect);
  if (!("kind" in JSON.parse(networks))) await run("docker", ["network", "connect", "kind", name]);
  const nodes = await run("kind", ["get", "nodes", "--name", of]);
  for (const node of nodes.split("\n")) {
    for (const host of new Set([registryInManifests, localRegistry, "ghcr.io"])) {
      const folder = `/etc/containerd/certs.d/${host}`;
      const text = `server = "https://${host}"\n[host."http://${name}:5000"]\n  capabilities = ["pull", "resolve"]\n`;
      await run("docker", ["exec", node, "mkdir", "-p", folder]);
      await run("docker", ["exec", "-i", node, "cp", "/dev/stdin", `${folder}/hosts.toml`], {
        input: text,
      });
    }
  }
}
