import { allowed } from "./allowed.ts";
import { applications } from "./applications.ts";
import { codeowners } from "./codeowners.ts";
import { deployers } from "./deployers.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { lists } from "./lists.ts";
import { namespaces } from "./namespaces.ts";
import { network } from "./network.ts";
import { permissions } from "./permissions.ts";
import { pods } from "./pods.ts";
import { policies } from "./policies.ts";
import { projects } from "./projects.ts";
import { releases } from "./releases.ts";
import type { Rule } from "./rule.ts";
import { tenancy } from "./tenancy.ts";
import { wiring } from "./wiring.ts";
import { workflows } from "./workflows.ts";

/** What must hold in this repository. */
export const rules: Rule[] = [
  ...allowed,
  ...applications,
  ...codeowners,
  ...deployers,
  ...files,
  ...images,
  ...lists,
  ...namespaces,
  ...network,
  ...permissions,
  ...pods,
  ...policies,
  ...projects,
  ...releases,
  ...tenancy,
  ...wiring,
  ...workflows,
];
