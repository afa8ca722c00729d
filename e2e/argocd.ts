import { ArgoCD, localArgoCD, logins } from "../scripts/lib/argocd.ts";
import { kubectl } from "./cluster.ts";

const passwords = await logins(kubectl);

/** Argo CD's API as one of the local users, or as admin. */
export const as = (user: string): Promise<ArgoCD> =>
  ArgoCD.signIn(process.env.ARGOCD_URL ?? localArgoCD, user, passwords[user] ?? "");

interface Node {
  kind: string;
  name: string;
  health?: { status: string; message?: string };
}

/** What the UI shows of an Application: its resources down to the pods, each with its health. */
export async function resourceTree(application: string): Promise<Node[]> {
  const { body } = await (await as("admin")).call(
    "GET",
    `applications/${application}/resource-tree`,
  );
  return body.nodes;
}
