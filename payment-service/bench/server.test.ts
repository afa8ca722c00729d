import { createServer } from "node:http";
import test from "ava";
import { start } from "./server.ts";

const node = (code: string): [string, ...string[]] => [process.execPath, "--eval", code];
/** A server that ends where it is asked to. */
const mortal = `require("node:http").createServer(({ url }, response) => {
  response.end("{}", () => url === "/end" && process.exit());
}).listen(process.env.PORT, process.env.HOST);`;

test.serial("a server that ends, and a port that is taken, are named at once", async (t) => {
  const advice = /does not answer.*taskset, and the port (\d+): lsof -nP -i :\1/;
  const error = await t.throwsAsync(
    start(() => node("")),
    { message: advice },
  );
  const next = Number(advice.exec(error?.message ?? "")?.[1]) + 1;
  const other = createServer((_request, response) => response.end("{}"));
  await new Promise<void>((listening) => other.listen(next, "127.0.0.1", listening));
  t.teardown(() => other.close());
  await t.throwsAsync(
    start(() => node("setTimeout(() => {}, 9000)")),
    { message: advice },
  );
});

// taskset is Linux' own.
const onLinux = process.platform === "linux" ? test.serial : test.serial.skip;
onLinux("a server that has ended by itself is not waited for", async (t) => {
  const { url, stop } = await start(() => node(mortal));
  await fetch(`${url}/end`);
  while (await fetch(url).catch(() => undefined))
    await new Promise((resolve) => setTimeout(resolve, 50));
  await stop();
  t.pass();
});
