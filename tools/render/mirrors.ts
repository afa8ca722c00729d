import { once } from "node:events";
import { Worker } from "node:worker_threads";

/**
 * Serves Git repositories of this machine over HTTP, to this machine alone and to read only, for as long as this
 * process runs. By their folders Git would be told which program to run for them.
 * @param folders of the repositories
 * @returns the URL of each
 */
export async function serve(folders: string[]): Promise<string[]> {
  const server = new Worker(new URL("./mirror-server.ts", import.meta.url), {
    workerData: folders,
  });
  const [port] = await once(server, "message");
  // It keeps no process from ending.
  server.unref();
  return folders.map((_, index) => `http://127.0.0.1:${port}/${index}`);
}
