import { readFileSync } from "node:fs";
import { UserError } from "../cli/command.ts";

/** Whether GitHub answers that somebody asked too often, which it does with the status of a missing permission. */
export const isRateLimit = (answer: string): boolean => /rate limit/i.test(answer);

/** @param until when it ends, where GitHub says so */
export const rateLimited = (until?: Date): string =>
  "GitHub has had too many requests of this token or this address for now: its rate limit is reached. " +
  (until ? `Try again after ${until.toISOString().slice(11, 16)} UTC.` : "Try again in an hour.");

/** Reads GitHub's REST API where gh may not be installed. What writes goes through gh.ts. */
export class GitHub {
  readonly #api: string;
  readonly #token: string;
  readonly #needs: string;

  /** @param needs what the token must be able to do, in sentences: shown when it does not suffice */
  constructor(api: string, token: string, needs: string) {
    this.#api = api.replace(/\/$/, "");
    this.#token = token;
    this.#needs = needs;
  }

  /** @returns nothing where the environment has no token */
  static fromEnvironment(needs: string): GitHub | undefined {
    const { GITHUB_API_URL, GH_TOKEN, GITHUB_TOKEN } = process.env;
    const token = GH_TOKEN || GITHUB_TOKEN;
    return token ? new GitHub(GITHUB_API_URL || "https://api.github.com", token, needs) : undefined;
  }

  /**
   * @returns GitHub's answer
   * @throws UserError when there is none, or the token does not suffice
   */
  async call<T>({ path }: { method: "GET"; path: string }): Promise<T> {
    const url = this.#api + path;
    const response = await fetch(url, {
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${this.#token}`,
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
      `GitHub does not answer this. ${this.#needs}\n  GET ${url}: ${response.status} ${said}`,
    );
  }
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
