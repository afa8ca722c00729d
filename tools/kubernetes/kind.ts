import { readFileSync } from "node:fs";
import { join } from "node:path";
import { option } from "../cli/options.ts";

/** The ports that the nodes of a local cluster open, by what answers there. */
const nodePorts = { Antaeus: 30008, "Argo CD": 30080 } as const;

export type Answers = keyof typeof nodePorts;

/**
 * The ports of this machine that lead to a local cluster, as clusters/local/kind.yaml says them: the one place to
 * change them. Read without a parser of YAML, because make up has to work before npm ci.
 * @param root a copy of the repository
 * @throws Error when the file does not map one of them
 */
export function hostPorts(root = join(import.meta.dirname, "../..")): Record<Answers, number> {
  const text = readFileSync(join(root, "clusters/local/kind.yaml"), "utf8");
  const mappings = text.split(/^ +- /m);
  const entries = Object.entries(nodePorts).map(([answers, nodePort]) => {
    const mapping = mappings.find((one) => new RegExp(`^containerPort: ${nodePort}\\b`).test(one));
    const [, hostPort] = /^ +hostPort: (\d+)/m.exec(mapping ?? "") ?? [];
    if (!hostPort) throw new Error(`clusters/local/kind.yaml maps no hostPort to ${nodePort}`);
    return [answers, Number(hostPort)];
  });
  return Object.fromEntries(entries);
}

const ports = hostPorts();

/** Where a local cluster has Antaeus, and Argo CD's API and UI, if the environment does not say otherwise. */
export const antaeusUrl = option("ANTAEUS_URL", `http://localhost:${ports.Antaeus}`);
export const argoCDUrl = option("ARGOCD_URL", `http://localhost:${ports["Argo CD"]}`);
