// Runs in a thread of its own, started by mirrors.ts: Git gives up on a server that has no time.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { createGunzip } from "node:zlib";

const folders: string[] = workerData;

// https://git-scm.com/docs/http-protocol
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

server.listen(0, "127.0.0.1", () => {
  parentPort?.postMessage((server.address() as AddressInfo).port);
});
