import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The environments: each folder of clusters/ with a root Application in apps/, for a cluster of its own.
 * @param root a working copy, or a part of one with clusters/
 */
export const environmentsIn = (root = "."): string[] =>
  readdirSync(join(root, "clusters"))
    .filter((name) => existsSync(join(root, "clusters", name, "apps/root.yaml")))
    .sort();
