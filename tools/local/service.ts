import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UserError } from "../cli/command.ts";

/**
 * Starts a service's bundle on a free port of this machine, as its image does: `node main.cjs`. However this process
 * ends, the service ends with it.
 * @returns its URL
 * @throws UserError with the end of its log when it does not listen within half a minute
 */
export function startService(folder: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const child = spawn(process.execPath, [`${folder}/dist/main.cjs`], {
    env: { HOST: "127.0.0.1", PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    let last = "";
    const fail = () =>
      reject(new UserError(`${folder} does not start. The end of its log: ${last}`));
    setTimeout(fail, 30_000).unref();
    // Read to the end: a service must not wait for a reader of its log.
    createInterface(child.stdout)
      .on("line", (line) => {
        last = line;
        if (line.includes('"listening"')) resolve(JSON.parse(line).url);
      })
      .on("close", fail);
  });
}
