import test from "ava";
import { readConfig } from "./config.ts";

test("defaults", (t) => {
  t.deepEqual(readConfig({}), { HOST: "0.0.0.0", PORT: 9000, ACCEPTANCE_SHARE: 0.5 });
});

test("values from the environment", (t) => {
  const config = readConfig({ PORT: "80", ACCEPTANCE_SHARE: "0.25", PATH: "/bin" });
  t.like(config, { PORT: 80, ACCEPTANCE_SHARE: 0.25 });
  t.false("PATH" in config);
});

test("every wrong variable is named", (t) => {
  const error = t.throws(() => readConfig({ PORT: "http", ACCEPTANCE_SHARE: "2" }));
  t.regex(error.message, /"PORT" must be/);
  t.regex(error.message, /"ACCEPTANCE_SHARE" must be/);
});
