import { createHmac } from "node:crypto";
import { branch, type Kubectl } from "../../../tools/kubernetes/cluster.ts";
import { argoCDUrl } from "../../../tools/kubernetes/kind.ts";

/** The repository's address for Argo CD, without `.git`. */
const [host, path] = ["git.git.svc", "pe-gitops"];

/** Tells Argo CD that a commit is the newest one of its branch, by a webhook as GitHub sends it. */
export async function tell(kubectl: Kubectl, commit: string): Promise<void> {
  const { "webhook.github.secret": secret = "" } = await kubectl.secret("argocd-secret");
  const body = JSON.stringify({
    ref: `refs/heads/${branch}`,
    after: commit,
    repository: {
      name: path,
      full_name: path,
      html_url: `http://${host}/${path}`,
      url: `https://api.${host}/repos/${path}`,
      default_branch: branch,
    },
    commits: [],
  });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const response = await fetch(new URL("/api/webhook", argoCDUrl), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-hub-signature-256": `sha256=${signature}`,
      connection: "close",
    },
    body,
  });
  if (response.ok) return;
  const why = `${response.status} ${await response.text()}`;
  throw new Error(`Argo CD does not take the webhook: ${why.trim()}`);
}
