import test from "ava";
import { warmUp, warmUpEnv } from "../snapshot/warmup.ts";
import { startServer } from "../src/server.ts";

test("a server answers without node:http", async (t) => {
  await t.notThrowsAsync(warmUp(await startServer({ env: warmUpEnv, log: () => {} })));
});
