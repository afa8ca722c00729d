import { offences, omissions } from "./guards.ts";
import { applications } from "./rules/applications.ts";
import { codeowners } from "./rules/codeowners.ts";
import { deployers } from "./rules/deployers.ts";
import { files } from "./rules/files.ts";
import { images } from "./rules/images.ts";
import { namespaces } from "./rules/namespaces.ts";
import { network } from "./rules/network.ts";
import { permissions } from "./rules/permissions.ts";
import { pods } from "./rules/pods.ts";
import { projects } from "./rules/projects.ts";
import type { Rule } from "./rules/rule.ts";
import { wiring } from "./rules/wiring.ts";
import { workflows } from "./rules/workflows.ts";

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
