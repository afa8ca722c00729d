import { createHmac, randomUUID } from "node:crypto";
import { ArgoCD, logins } from "../../../tools/kubernetes/argocd.ts";
import { argoCDUrl } from "../../../tools/kubernetes/kind.ts";
import { kubectl } from "./cluster.ts";

const passwords = await logins(kubectl);

/** Argo CD's API as one of the local users, or as admin. */
export const as = (user: string): Promise<ArgoCD> =>
  ArgoCD.signIn(argoCDUrl, user, passwords[user] ?? "");

/**
 * Argo CD's API as somebody whom the single sign-on puts into a group. The session is signed with the
 * server's own key, as the server does after a sign-on; its user has no rights of its own.
 */
export async function asMemberOf(group: string): Promise<ArgoCD> {
  const { "server.secretkey": key = "" } = await kubectl.secret("argocd-secret");
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "argocd", sub: "local-nobody:login", iat: now, nbf: now, exp: now + 600 };
  const jti = randomUUID();
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, jti, groups: [group] })}`;
  const signature = createHmac("sha256", key).update(signed).digest("base64url");
  return new ArgoCD(argoCDUrl, `${signed}.${signature}`);
}

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
