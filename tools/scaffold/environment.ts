import { readdirSync } from "node:fs";
import { join } from "node:path";
import { checkName, Plan, renaming } from "./plan.ts";

/**
 * A new environment, as testing is: a root Application, an Application and an overlay for each service, and
 * the same on a laptop. It starts with the images and the values of testing.
 * @param root the working copy
 * @returns what is to be written
 * @throws UserError about a name that is missing, taken or malformed
 */
export function newEnvironment(root: string, name: string): Plan {
  const taken = ["clusters", "clusters/local"].flatMap((folder) => readdirSync(join(root, folder)));
  checkName(name, "environment", taken);
  const plan = new Plan(root);
  const rename = renaming("testing", name);
  for (const folder of ["clusters", "clusters/local"])
    plan.copy(`${folder}/testing`, `${folder}/${name}`, rename);
  for (const service of readdirSync(join(root, "apps")))
    plan.copy(`apps/${service}/overlays/testing`, `apps/${service}/overlays/${name}`, rename);
  return plan;
}
