import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGunzip } from "node:zlib";

/**
 * Serves Git repositories of this machine over HTTP, to this machine alone and to read only, for as long as this
 * process runs. By their folders Git would be told which program to run for them.
 * @param folders of the repositories
 * @returns the URL of each
 */
export async function serve(folders: string[]): Promise<string[]> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const [, index, call] = /^\/(\d+)\/(info\/refs|git-upload-pack)$/.exec(pathname) ?? [];
    const folder = folders[Number(index)];
    const advertise = call === "info/refs";
    if (!folder || (advertise && searchParams.get("service") !== "git-upload-pack")) {
      response.writeHead(404).end();
      return;
    }
    const type = `application/x-git-upload-pack-${advertise ? "advertisement" : "result"}`;
    response.writeHead(200, { "content-type": type });
    if (advertise) response.write("001e# service=git-upload-pack\n0000");
    const options = ["--stateless-rpc", ...(advertise ? ["--advertise-refs"] : [])];
    const git = spawn("git", ["upload-pack", ...options, folder]);
    git.stdout.pipe(response);
    // Git may have read enough, or its client may have gone.
    git.stdin.on("error", () => {});
    response.on("close", () => git.kill());
    const isZipped = request.headers["content-encoding"] === "gzip";
    (isZipped ? request.pipe(createGunzip()) : request).pipe(git.stdin);
  });
  // It keeps no process from ending.
  await once(server.listen(0, "127.0.0.1").unref(), "listening");
  const { port } = server.address() as AddressInfo;
  return folders.map((_, index) => `http://127.0.0.1:${port}/${index}`);
}
