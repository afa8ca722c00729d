import test from "ava";
import { buildInfo } from "./build-info.ts";

test("a build says its commit, development says that it has none", (t) => {
  const manifest = { version: "1.0.0" };
  delete process.env.BUILD_COMMIT;
  t.deepEqual(buildInfo(manifest), { version: "1.0.0", commit: "unknown" });
  process.env.BUILD_COMMIT = "1a2b3c4d5e6f";
  t.deepEqual(buildInfo(manifest), { version: "1.0.0", commit: "1a2b3c4d5e6f" });
});
