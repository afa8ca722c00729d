import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import test from "ava";
import { drain } from "service-kit/lifecycle";
import { startServer } from "./server.ts";

const env = { DRAIN_SECONDS: "0.1" };
const log = () => {};

test("health says what runs", async (t) => {
  const server = await startServer({ env, log });
  const { statusCode, payload } = await server.inject("/health");
  t.is(statusCode, 200);
  t.like(JSON.parse(payload), { status: "ok", version: "1.0.0" });
});

test("ready, until it drains; then it still is healthy", async (t) => {
  const server = await startServer({ env, log });
  t.is((await server.inject("/ready")).statusCode, 200);
  const drained = drain(server);
  t.is((await server.inject("/ready")).statusCode, 503);
  t.is((await server.inject("/health")).statusCode, 200);
  await drained;
});

test("a wrong environment is refused", async (t) => {
  await t.throwsAsync(startServer({ env: { PORT: "x" }, log }), { message: /"PORT"/ });
});

test("its process listens, and ends by SIGTERM", async (t) => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: { HOST: "127.0.0.1", PORT: "0", DRAIN_SECONDS: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  t.is((await fetch(`${JSON.parse(line).url}/health`)).status, 200);
  child.kill("SIGTERM");
  t.deepEqual(await once(child, "exit"), [0, null]);
});
