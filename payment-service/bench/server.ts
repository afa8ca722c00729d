import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { folder } from "./peers.ts";

/** What servers run on; the load comes from the other. */
export const cores = { server: "0", load: "1" };

const ports = (function* () {
  for (let port = 21_000; ; port++) yield port;
})();

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** A server under test. */
export interface Server {
  url: string;
  /** Milliseconds from its start to its first 200. */
  coldStart: number;
  /** The CPU time it had until then, in milliseconds. */
  startCpu: number;
  pid: number;
  stop: () => Promise<void>;
}

/**
 * Starts a server on one core and waits until it answers.
 * @param env more environment variables for it
 * @throws Error when it has not after ten seconds
 */
export async function start(
  command: (port: number) => [string, ...string[]],
  env: Record<string, string> = {},
): Promise<Server> {
  const port = ports.next().value as number;
  const [file, ...args] = command(port);
  const begin = performance.now();
  const child = spawn("taskset", ["--cpu-list", cores.server, file, ...args], {
    env: {
      PATH: process.env.PATH,
      HOST: "127.0.0.1",
      PORT: String(port),
      PEERS: folder,
      DRAIN_SECONDS: "0",
      PYTHONPYCACHEPREFIX: `${folder}/pycache`,
      ...env,
    },
    stdio: "ignore",
  });
  children.add(child);
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(`${url}/health`))) {
    if (performance.now() - begin > 10_000) throw new Error(`${args.join(" ")} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const coldStart = performance.now() - begin;
  return {
    url,
    coldStart,
    startCpu: startCpu(child.pid as number),
    pid: child.pid as number,
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      children.delete(child);
    },
  };
}

const agent = new Agent({ keepAlive: false });

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    request(url, { agent }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode === 200));
    })
      .once("error", () => resolve(false))
      .end();
  });
}

/** The processes of a server: a master has workers. */
function processes(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => processes(Number(child)))];
}

/** Resident memory in MiB. What processes share counts once: each has its part of it. */
export function memory(pid: number): number {
  const rss = processes(pid).map((each, _index, { length }) => {
    const [file, line] =
      length > 1
        ? (["smaps_rollup", /^Pss: +(\d+)/m] as const)
        : (["status", /^VmRSS:\s+(\d+)/m] as const);
    return Number(line.exec(readFileSync(`/proc/${each}/${file}`, "utf8"))?.[1]);
  });
  return rss.reduce((sum, kib) => sum + kib / 1024, 0);
}

/** CPU time that a server has had, threads that have ended included, in seconds. */
export function cpuSeconds(pid: number): number {
  const ticks = processes(pid).map((each) => {
    const fields = readFileSync(`/proc/${each}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, tick) => sum + tick / 100, 0);
}

/** The same for a server that has just started, in milliseconds: finer, without threads that ended. */
function startCpu(pid: number): number {
  const nanoseconds = processes(pid)
    .flatMap((each) =>
      readdirSync(`/proc/${each}/task`).map((task) => `/proc/${each}/task/${task}`),
    )
    .map((task) => Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]));
  return nanoseconds.reduce((sum, each) => sum + each / 1e6, 0);
}
