import { createHmac } from "node:crypto";
import { UserError } from "../cli/command.ts";

/** A push, as GitHub's webhook tells of it. */
export interface Push {
  /** The repository's address for people, without `.git`. */
  url: string;
  branch: string;
  commit: string;
}

/**
 * Tells Argo CD of a push the way GitHub does, so that it looks now instead of at its next poll.
 * @param argoCD its address
 * @param secret that Argo CD knows GitHub's calls by: webhook.github.secret in argocd-secret
 */
export async function tellOfPush(argoCD: string, secret: string, push: Push): Promise<void> {
  const [, host, path] = /^https?:\/\/([^/]+)\/(.+)$/.exec(push.url) ?? [];
  const body = JSON.stringify({
    ref: `refs/heads/${push.branch}`,
    after: push.commit,
    repository: {
      name: path?.split("/").at(-1),
      full_name: path,
      html_url: push.url,
      url: `https://api.${host}/repos/${path}`,
      default_branch: push.branch,
    },
    commits: [],
  });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  const response = await fetch(new URL("/api/webhook", argoCD), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-hub-signature-256": `sha256=${signature}`,
      connection: "close",
    },
    body,
  });
  if (!response.ok) {
    const why = `${response.status} ${await response.text()}`;
    throw new UserError(`Argo CD does not take the webhook: ${why.trim()}`);
  }
}
