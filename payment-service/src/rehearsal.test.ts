import test from "ava";
import { rehearse } from "./rehearsal.ts";

test("a server answers without node:http", async (t) => {
  await t.notThrowsAsync(rehearse());
});
