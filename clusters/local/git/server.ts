// Git repositories over HTTP, to read only: https://git-scm.com/docs/http-protocol. Pushing is for who may
// exec into this pod.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createGunzip } from "node:zlib";

const root = "/srv/git";
const repository = `${root}/pe-gitops.git`;

if (!existsSync(repository)) {
  spawnSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", repository]);
  // The working copy may be a shallow clone.
  spawnSync("git", ["-C", repository, "config", "receive.shallowUpdate", "true"]);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://git");
  const [, name, call] = /^\/([\w-]+\.git)\/(info\/refs|git-upload-pack)$/.exec(pathname) ?? [];
  const asked = call === "info/refs" ? searchParams.get("service") : call;
  if (asked !== "git-upload-pack" || !name || !existsSync(`${root}/${name}`)) {
    response.writeHead(pathname === "/" ? 200 : 404).end();
    return;
  }
  const advertise = call === "info/refs";
  const type = `application/x-git-upload-pack-${advertise ? "advertisement" : "result"}`;
  response.writeHead(200, { "content-type": type, "cache-control": "no-cache" });
  if (advertise) response.write("001e# service=git-upload-pack\n0000");
  const options = ["--stateless-rpc", ...(advertise ? ["--advertise-refs"] : [])];
  const git = spawn("git", ["upload-pack", ...options, `${root}/${name}`]);
  git.stderr.pipe(process.stderr);
  git.stdout.pipe(response);
  // A client that ends early, or git that has read enough.
  git.stdin.on("error", () => {});
  response.on("close", () => git.kill());
  const body =
    request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
  body.pipe(git.stdin);
});

server.listen(8080);
process.once("SIGTERM", () => process.exit());
