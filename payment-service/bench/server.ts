import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { UserError } from "../../tools/cli/command.ts";
import { folder } from "./peers.ts";

/** What servers run on; the load comes from the other. */
export const cores = { server: "0", load: "1" };
/** The arguments of taskset by which a command runs on one core. */
export const onCore = (core: string, ...command: string[]) => ["--cpu-list", core, ...command];

let lastPort = 21_000;

/**
 * Starts a server on one core and waits until it answers.
 * @returns how long that took, and the CPU time it had until then, both in milliseconds
 * @throws UserError when something else has its port, it ends, or it has not answered after ten seconds
 */
export async function start(
  command: (port: number) => [string, ...string[]],
  env: Record<string, string> = {},
) {
  const port = ++lastPort;
  const args = onCore(cores.server, ...command(port));
  const url = `http://127.0.0.1:${port}`;
  const isUp = () => fetch(`${url}/health`).then((answer) => answer.text().then(() => answer.ok));
  const fail = () => {
    const needs = `It needs taskset, and the port ${port}: lsof -nP -i :${port} names who has that.`;
    throw new UserError(`taskset ${args.join(" ")} does not answer. ${needs}`);
  };
  if (await isUp().catch(() => false)) fail();
  const begin = performance.now();
  const child = spawn("taskset", args, {
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
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exited = once(child, "exit");
  while (!(await Promise.race([isUp().catch(() => false), exited.then(fail, fail)]))) {
    if (performance.now() - begin > 10_000) fail();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const pid = child.pid as number;
  const coldStart = performance.now() - begin;
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    process.off("exit", kill);
  };
  return { url, coldStart, startCpu: startCpu(pid), pid, stop };
}

/** The processes of a server: a master has workers. */
function processes(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => processes(Number(child)))];
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** Resident memory in MiB. What processes share counts once: each has its part of it. */
export function memory(pid: number): number {
  const all = processes(pid);
  const file = all.length > 1 ? "smaps_rollup" : "status";
  const kib = (each: number) =>
    /^(?:Pss|VmRSS):\s+(\d+)/m.exec(readFileSync(`/proc/${each}/${file}`, "utf8"))?.[1];
  return sum(all.map((each) => Number(kib(each)) / 1024));
}

/** CPU time that a server has had, threads that have ended included, in seconds. */
export function cpuSeconds(pid: number): number {
  const ticks = processes(pid).map((each) => {
    const fields = readFileSync(`/proc/${each}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return sum(ticks) / 100;
}

/** The same for a server that has just started, in milliseconds: finer, without threads that ended. */
function startCpu(pid: number): number {
  const tasks = processes(pid).flatMap((each) =>
    readdirSync(`/proc/${each}/task`).map((task) => `/proc/${each}/task/${task}/schedstat`),
  );
  return sum(tasks.map((task) => Number(readFileSync(task, "utf8").split(" ")[0]) / 1e6));
}
