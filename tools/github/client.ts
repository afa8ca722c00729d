import { readFileSync } from "node:fs";
import { UserError } from "../cli/command.ts";

/** Whether GitHub answers that somebody asked too often, which it does with the status of a missing permission. */
export const isRateLimit = (answer: string): boolean => /rate limit/i.test(answer);

/** @param until when it ends, where GitHub says so */
export const rateLimited = (until?: Date): string =>
  "GitHub has had too many requests of this token or this address for now: its rate limit is reached. " +
  (until ? `Try again after ${until.toISOString().slice(11, 16)} UTC.` : "Try again in an hour.");

/**
 * Asks GitHub's REST API about this repository where gh may not be installed, with the token of the environment. What
 * writes goes through gh.ts.
 * @param path below the repository's
 * @param needs what the token must be able to do, in sentences: shown when it does not suffice
 * @returns GitHub's answer
 * @throws UserError when there is none, or no token, or one that does not suffice
 */
export async function askGitHub<T>(path: string, needs: string): Promise<T> {
  const { GITHUB_API_URL, GH_TOKEN, GITHUB_TOKEN } = process.env;
  const token = GH_TOKEN || GITHUB_TOKEN;
  if (!token) throw new UserError("GITHUB_TOKEN holds no token");
  const api = (GITHUB_API_URL || "https://api.github.com").replace(/\/$/, "");
  const url = `${api}/repos/${nameOnGitHub()}/${path}`;
  const response = await fetch(url, {
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "x-github-api-version": "2022-11-28",
    },
    signal: AbortSignal.timeout(30_000),
  }).catch((error: Error) => {
    const why = (error.cause as Error)?.message ?? error.message;
    throw new UserError(`GitHub does not answer at ${url} (${why}).`);
  });
  if (response.ok) return (await response.json()) as T;
  const said = await response.text();
  const rest = response.headers.get("x-ratelimit-remaining");
  if (response.status === 429 || rest === "0" || isRateLimit(said)) {
    const reset = Number(response.headers.get("x-ratelimit-reset"));
    throw new UserError(rateLimited(reset ? new Date(reset * 1000) : undefined));
  }
  // GitHub says 404 as well where a token may not know that there is something.
  throw new UserError(
    `GitHub does not answer this. ${needs}\n  GET ${url}: ${response.status} ${said}`,
  );
}

/**
 * The repository that Argo CD reads.
 * @param kustomization the text of clusters/repository/kustomization.yaml
 * @returns its owner and name on GitHub, such as an-owner/pe-gitops
 * @throws UserError when it is elsewhere
 */
export function nameOnGitHub(
  kustomization = readFileSync("clusters/repository/kustomization.yaml", "utf8"),
): string {
  const url = /value: ["']?([^\s"']+)/.exec(kustomization)?.[1] ?? "nowhere";
  const form = /^(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/;
  const name = form.exec(url)?.[1];
  if (name) return name;
  throw new UserError(
    `The repository is at ${url}, and that is not GitHub: protect its main with the means of that place. ` +
      "If it is on GitHub, say so in clusters/repository/kustomization.yaml, as https://github.com/owner/name.git.",
  );
}
