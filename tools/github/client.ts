import { Advice } from "../cli/command.ts";

/** A call of GitHub's REST API, such as GET /repos/bpesics/pe-gitops/rulesets. */
export interface Call {
  method: "GET" | "PATCH" | "POST" | "PUT";
  path: string;
  body?: unknown;
}

/** Nobody answers at the address of the API. */
export class Unreachable extends Advice {}

/** GitHub's REST API, in the name of whoever the token is of. */
export class GitHub {
  readonly api: string;
  readonly token: string;
  readonly #permission: string;

  /** @param permission what the token must be able to do, in sentences: shown when it does not suffice */
  constructor(api: string, token: string, permission: string) {
    this.api = api.replace(/\/$/, "");
    this.token = token;
    this.#permission = permission;
  }

  /**
   * Makes a call.
   * @returns GitHub's answer
   * @throws Unreachable when there is none
   * @throws Advice when the token does not suffice
   */
  async call<T>({ method, path, body }: Call): Promise<T> {
    const url = this.api + path;
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${this.token}`,
        "content-type": "application/json",
        "x-github-api-version": "2022-11-28",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    }).catch((error: Error) => {
      const why = (error.cause as Error)?.message ?? error.message;
      throw new Unreachable(`GitHub does not answer at ${url} (${why}).`);
    });
    if (response.ok) return (await response.json()) as T;

    const refused = `${method} ${url}: ${response.status} ${await response.text()}`;
    if (response.status === 401) {
      throw new Advice(
        `GitHub does not know the token in GITHUB_TOKEN: mistyped, expired or revoked?\n  ${refused}`,
      );
    }
    // GitHub says 404 as well where a token may not know that there is something.
    if ([403, 404].includes(response.status)) {
      throw new Advice(
        `GitHub refuses this to the token in GITHUB_TOKEN. ${this.#permission}\n  ${refused}`,
      );
    }
    throw new Error(refused);
  }

  /** A call for people: method, URL and body. */
  show({ method, path, body }: Call): string {
    const line = `${method} ${this.api}${path}`;
    return body === undefined ? line : `${line}\n${JSON.stringify(body, null, 2)}`;
  }
}

/**
 * The repository that Argo CD reads.
 * @param kustomization the text of clusters/repository/kustomization.yaml
 * @returns its owner and name on GitHub, such as bpesics/pe-gitops
 * @throws Advice when it is elsewhere
 */
export function nameOnGitHub(kustomization: string): string {
  const url = /value: ["']?([^\s"']+)/.exec(kustomization)?.[1] ?? "nowhere";
  const form = /^(?:https:\/\/|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/;
  const name = form.exec(url)?.[1];
  if (name) return name;
  throw new Advice(
    `The repository is at ${url}, and that is not GitHub: protect its main with the means of that place. ` +
      "If it is on GitHub, say so in clusters/repository/kustomization.yaml, as https://github.com/owner/name.git.",
  );
}
