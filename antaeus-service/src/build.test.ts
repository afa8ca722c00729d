import test from "ava";
import { build } from "./build.ts";

test("a build says its commit, development says that it has none", (t) => {
  delete process.env.BUILD_COMMIT;
  t.deepEqual(build(), { version: "1.0.0", commit: "unknown" });
  process.env.BUILD_COMMIT = "1a2b3c4d5e6f";
  t.deepEqual(build(), { version: "1.0.0", commit: "1a2b3c4d5e6f" });
});
