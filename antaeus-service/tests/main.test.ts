import test from "ava";
import { start } from "./service.ts";

test("a wrong environment ends the process, and it says what is wrong", async (t) => {
  const antaeus = start(t, "antaeus-service", { PORT: "http" });
  const error = await t.throwsAsync(antaeus.url);
  t.regex(
    error?.message ?? "",
    /it ended before it listened: The environment is wrong: "PORT" must/,
  );
  t.is(await antaeus.terminate(), 1);
});
