import { applications } from "./applications.ts";
import { codeowners } from "./codeowners.ts";
import { deployers } from "./deployers.ts";
import { files } from "./files.ts";
import { images } from "./images.ts";
import { namespaces } from "./namespaces.ts";
import { network } from "./network.ts";
import { permissions } from "./permissions.ts";
import { pods } from "./pods.ts";
import { projects } from "./projects.ts";
import type { Rule } from "./rule.ts";
import { offences, omissions } from "./tenancy.ts";
import { wiring } from "./wiring.ts";
import { workflows } from "./workflows.ts";

/** What must be so in this repository, by the title of each rule. */
export const rules: Record<string, Rule> = {
  "nothing in this repository reaches beyond its team": offences,
  "every place that has to know a service or an environment does": omissions,
  ...applications,
  ...codeowners,
  ...deployers,
  ...files,
  ...images,
  ...namespaces,
  ...network,
  ...permissions,
  ...pods,
  ...projects,
  ...wiring,
  ...workflows,
};
