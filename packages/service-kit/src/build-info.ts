/** What runs. */
export interface BuildInfo {
  version: string;
  /** The commit that it was built from. */
  commit: string;
}

/** @param manifest the service's package.json */
export const buildInfo = ({ version }: { version: string }): BuildInfo => ({
  version,
  // The bundle has the value of its build, not of its run.
  commit: process.env.BUILD_COMMIT || "unknown",
});
