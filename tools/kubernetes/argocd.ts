import { randomBytes } from "node:crypto";
import type { Kubectl } from "./cluster.ts";
import { argoCDUrl } from "./kind.ts";

/** What Argo CD's API answered; refusals are answers too. */
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each call has an answer of its own
  body: any;
}

/** Argo CD's API, as one user. */
export class ArgoCD {
  readonly url: string;
  readonly token: string;

  /** @param token of a session that is there already */
  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  /** @throws Error when the password is wrong */
  static async signIn(url: string, username: string, password: string): Promise<ArgoCD> {
    const { status, body } = await new ArgoCD(url, "").call("POST", "session", {
      username,
      password,
    });
    if (status !== 200) throw new Error(`${username} cannot sign in: ${body.message}`);
    return new ArgoCD(url, body.token);
  }

  /** @param path below /api/v1; one that begins with a slash stands for itself */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(new URL(path, `${this.url}/api/v1/`), {
      method,
      headers: {
        "content-type": "application/json",
        connection: "close",
        // As the UI sends it.
        ...(this.token && { cookie: `argocd.token=${this.token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

/**
 * Ends when every part of Argo CD is new and ready.
 * @param timeout for its Deployments, and again for its StatefulSet: 3m, for one
 * @throws Error when they are not by then
 */
export async function argoCDReady(kubectl: Kubectl, timeout: string): Promise<void> {
  for (const kind of ["deployment", "statefulset"])
    await kubectl.run(["rollout", "status", kind, "-n", "argocd", `--timeout=${timeout}`]);
}

/** The Secret in which make up keeps the passwords that it made up. */
const secret = "local-logins";

/** Each user of a local cluster and the password. */
export async function logins(kubectl: Kubectl): Promise<Record<string, string>> {
  const { password = "" } = await kubectl.secret("argocd-initial-admin-secret");
  return { admin: password, ...(await kubectl.secret(secret)) };
}

/** Gives each local user of Argo CD a password, unless that was done before. */
export async function makeLogins(kubectl: Kubectl): Promise<void> {
  if (await kubectl.secret(secret).catch(() => undefined)) return;
  if (!(await kubectl.secret("argocd-secret"))["webhook.github.secret"]) {
    // What GitHub would sign its calls with. Argo CD's server starts over when it reads this.
    const stringData = { "webhook.github.secret": randomBytes(24).toString("base64url") };
    const patch = JSON.stringify({ stringData });
    await kubectl.run(["patch", "secret", "argocd-secret", "-n", "argocd", "--patch", patch]);
  }
  const { password: currentPassword = "" } = await kubectl.secret("argocd-initial-admin-secret");
  const admin = await ArgoCD.signIn(argoCDUrl, "admin", currentPassword);
  const { data } = await kubectl.json<{ data: Record<string, string> }>([
    ...["get", "configmap", "argocd-cm", "-n", "argocd"],
  ]);
  const stringData: Record<string, string> = {};
  for (const key of Object.keys(data).filter((key) => key.startsWith("accounts."))) {
    const name = key.slice("accounts.".length);
    const newPassword = randomBytes(12).toString("base64url");
    const { status, body } = await admin.call("PUT", "account/password", {
      name,
      currentPassword,
      newPassword,
    });
    if (status !== 200) throw new Error(`no password for ${name}: ${body.message}`);
    stringData[name] = newPassword;
  }
  const manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secret, namespace: "argocd" },
    stringData,
  };
  await kubectl.run(["apply", "--server-side", "-f", "-"], JSON.stringify(manifest));
}
