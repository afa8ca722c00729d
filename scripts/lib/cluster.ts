import { Advice, run } from "./command.ts";

/** The local cluster, as clusters/local/kind.yaml names it, and kubectl's name for it. */
export const cluster = "pe-gitops";
export const localContext = `kind-${cluster}`;

/** Where the Git endpoint in the cluster keeps this repository, and the branch that Argo CD reads. */
export const repository = "/srv/git/pe-gitops.git";
export const branch = "main";

/** Answers of kubectl in one context. */
export class Kubectl {
  readonly context: string;

  constructor(context: string) {
    this.context = context;
  }

  /** The context that KUBECONFIG names. */
  static async current(): Promise<Kubectl> {
    const context = await run("kubectl", ["config", "current-context"]).catch(() => {
      throw new Advice(
        "No cluster: kubectl has no current context. Start one with make up, or set KUBECONFIG.",
      );
    });
    return new Kubectl(context);
  }

  /** Runs kubectl; input is given to its standard input. */
  run(args: string[], input?: string): Promise<string> {
    return run(
      "kubectl",
      ["--context", this.context, ...args],
      input === undefined ? {} : { input },
    );
  }

  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.run([...args, "-o", "json"]));
  }

  async applications(): Promise<Application[]> {
    const { items } = await this.json<{ items: Application[] }>([
      "get",
      "applications.argoproj.io",
      "-n",
      "argocd",
    ]);
    return items;
  }
}

/** What we read of an Argo CD Application. */
export interface Application {
  metadata: { name: string };
  status?: {
    sync?: { status: string; revision?: string };
    health?: { status: string; message?: string };
    summary?: { images?: string[] };
    conditions?: { type: string; message: string }[];
    operationState?: { phase: string; message?: string };
  };
}

/** The state of an Application in a few words, such as "Synced, Healthy at 1a2b3c4". */
export function state({ status = {} }: Application): string {
  const { sync, health } = status;
  return `${sync?.status ?? "Unknown"}, ${health?.status ?? "Unknown"} at ${sync?.revision?.slice(0, 7) ?? "no commit"}`;
}

/** Whether an Application runs this commit and is well. */
export function isLive({ status }: Application, commit: string): boolean {
  return (
    status?.sync?.status === "Synced" &&
    status.sync.revision === commit &&
    status.health?.status === "Healthy"
  );
}

/** Why an Application is not well, in Argo CD's own words; empty when it has none. */
export function reasons({ status = {} }: Application): string[] {
  const { conditions = [], operationState, health } = status;
  return [
    ...conditions.map(({ type, message }) => `${type}: ${message}`),
    ...(operationState && !["Succeeded", "Running"].includes(operationState.phase)
      ? [`sync ${operationState.phase}: ${operationState.message ?? ""}`]
      : []),
    ...(health?.message ? [health.message] : []),
  ];
}
