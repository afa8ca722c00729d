import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";

/** A service that runs as a process of its own. */
export interface Service {
  url: string;
  /** Ends it at once, as a lost node would. */
  kill(): Promise<void>;
}

/**
 * Starts a service from its source, on a free port.
 * @param folder beside this package's, such as `payment-service`
 * @throws Error when it ends before it listens, with what it said
 */
export async function start(t: ExecutionContext, folder: string, env: NodeJS.ProcessEnv = {}) {
  const main = fileURLToPath(new URL(`../../${folder}/src/main.ts`, import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { HOST: "127.0.0.1", PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = () => {
    child.kill("SIGKILL");
    return ended;
  };
  t.teardown(kill);

  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const { message, url } = JSON.parse(line);
      if (message === "listening") resolve(url);
    });
    ended.then(() => reject(new Error(`${folder} ended before it listened: ${said}`)));
  });
  return { url, kill } satisfies Service;
}
