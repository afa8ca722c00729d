import manifest from "../package.json" with { type: "json" };

/** What runs: its version, and the commit it was built from. */
export const build = () => ({
  version: manifest.version,
  // The bundle has the value of its build, not of its run.
  commit: process.env.BUILD_COMMIT || "unknown",
});
