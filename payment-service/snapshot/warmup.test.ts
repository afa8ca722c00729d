import test from "ava";
import { warmUp } from "./warmup.ts";

test("a server answers without node:http", async (t) => {
  await t.notThrowsAsync(warmUp());
});
