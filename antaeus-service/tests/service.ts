import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ExecutionContext } from "ava";

/** A service that runs as a process of its own. */
export interface Service {
  /** Its URL, once it listens. @throws Error with what it said, when it ends before */
  url: Promise<string>;
  /** Ends it at once, as a lost node would. */
  kill(): Promise<void>;
  /** Asks it to end, as a rollout does. @returns its exit code, null when it had to be killed */
  terminate(): Promise<number | null>;
}

/**
 * Starts a service from its source, on a free port.
 * @param folder beside this package's, such as `payment-service`
 */
export function start(t: ExecutionContext, folder: string, env: NodeJS.ProcessEnv = {}): Service {
  const main = fileURLToPath(new URL(`../../${folder}/src/main.ts`, import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const terminate = async () => {
    child.kill("SIGTERM");
    const [code] = await ended;
    return code;
  };
  t.teardown(kill);
  const url = listening(child);
  // Whoever kills it before it listens need not ask.
  url.catch(() => {});
  return { url, kill, terminate };
}

function listening(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    createInterface(child.stdout as NodeJS.ReadableStream).on("line", (line) => {
      const { message, url } = JSON.parse(line);
      if (message === "listening") resolve(url);
    });
    child.once("close", () => reject(new Error(`it ended before it listened: ${said}`)));
  });
}
