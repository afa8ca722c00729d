import { isMissing, run, UserError } from "../cli/command.ts";
import { retry, waitFor } from "../cli/progress.ts";

/** The local cluster, as clusters/local/kind.yaml names it, and kubectl's name for it. */
export const cluster = "pe-gitops";
export const localContext = `kind-${cluster}`;

/** Where the Git endpoint in the cluster keeps this repository, and the branch that Argo CD reads. */
export const repository = "/srv/git/pe-gitops.git";
export const branch = "main";

/** Whether kubectl says that the API server starts over, or is too busy: that passes. */
export const isAway = ({ message }: Error): boolean =>
  /unable to (connect to the server|handle the request)|(connection|was) refused|reset by peer|(handshake|i\/o) timeout|EOF$|etcdserver:|watch closed/im.test(
    message,
  );

/** Answers of kubectl in one context. */
export class Kubectl {
  readonly context: string;
  readonly #patience: number;

  /** @param patience for how many seconds a call is made again while the API server is away */
  constructor(context: string, patience = 0) {
    this.context = context;
    this.#patience = patience;
  }

  /** The context that KUBECONFIG names. */
  static async current(): Promise<Kubectl> {
    const context = await run("kubectl", ["config", "current-context"]).catch((error) => {
      if (isMissing(error)) {
        throw new UserError(
          "kubectl is not here, which talks to the cluster: kubernetes.io/docs/tasks/tools has it.",
        );
      }
      throw new UserError(
        "No cluster: kubectl has no current context. Start one with make up, or set KUBECONFIG.",
      );
    });
    return new Kubectl(context);
  }

  /** Runs kubectl; input is given to its standard input. */
  run(args: string[], input?: string): Promise<string> {
    const all = ["--context", this.context, ...args];
    const attempt = () => run("kubectl", all, input === undefined ? {} : { input });
    return retry(this.#patience, attempt, isAway);
  }

  /** Whether the API server answers, within a few seconds. */
  answers(): Promise<boolean> {
    return this.run(["get", "--raw", "/readyz", "--request-timeout=3s"]).then(
      () => true,
      () => false,
    );
  }

  async json<T>(args: string[]): Promise<T> {
    return JSON.parse(await this.run([...args, "-o", "json"]));
  }

  /** @returns the values of a Secret of Argo CD's, decoded */
  async secret(name: string): Promise<Record<string, string>> {
    const { data = {} } = await this.json<{ data?: Record<string, string> }>([
      ...["get", "secret", name, "-n", "argocd"],
    ]);
    const decode = (value: string) => Buffer.from(value, "base64").toString();
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, decode(value)]));
  }

  /** Which environment the cluster is: the folder in clusters/ that its root Application reads. */
  async environment(): Promise<string> {
    const get = ["get", "applications.argoproj.io", "root", "-n", "argocd"];
    return (await this.run([...get, "-o", "jsonpath={.spec.source.path}"])).split("/")[1] as string;
  }

  /** @throws UserError where no Argo CD answers */
  async applications(): Promise<Application[]> {
    const get = ["get", "applications.argoproj.io", "-n", "argocd"];
    const list = await this.json<{ items: Application[] }>(get).catch((error: Error) => {
      throw new UserError(
        `No Argo CD answers in the context ${this.context}; make up starts one.\n${error.message}`,
      );
    });
    return list.items;
  }

  /** Whether an Application follows Git by itself, and puts back what others change. */
  async autoSync(name: string, enabled: boolean): Promise<void> {
    const change = JSON.stringify({ spec: { syncPolicy: { automated: { enabled } } } });
    const patch = ["patch", "applications.argoproj.io", name, "-n", "argocd"];
    await this.run([...patch, "--type=merge", "--patch", change]);
  }

  /** Waits until every Application runs a commit and is well, and says each change. @returns whether they did in time */
  async untilLive(commit: string, seconds: number, say = (_line: string) => {}): Promise<boolean> {
    const seen = new Map<string, string>();
    const live = await waitFor(seconds, async () => {
      const applications = await this.applications();
      for (const application of applications) {
        const { name } = application.metadata;
        const now = state(application);
        if (seen.get(name) !== now) say(`${name}: ${now}`);
        seen.set(name, now);
      }
      // The root is there before those that it makes.
      const isWhole = applications.length > 1;
      return (isWhole && applications.every((one) => isLive(one, commit))) || undefined;
    });
    return live !== undefined;
  }
}

/** What we read of an Argo CD Application. */
export interface Application {
  metadata: { name: string };
  spec?: {
    source?: {
      repoURL?: string;
      path: string;
      targetRevision?: string;
      kustomize?: { components?: string[] };
    };
    syncPolicy?: { automated?: { enabled?: boolean } };
  };
  status?: {
    sync?: { status: string; revision?: string };
    health?: { status: string; message?: string };
    summary?: { images?: string[] };
    conditions?: { type: string; message: string }[];
    operationState?: {
      phase: string;
      message?: string;
      operation?: { sync?: { revision?: string } };
      syncResult?: { revision?: string };
    };
    /** What was deployed, the newest last. */
    history?: { id: number; revision: string; deployedAt: string; deployStartedAt?: string }[];
    resources?: { kind: string; namespace?: string; name: string; requiresPruning?: boolean }[];
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
    // A sync that failed and is tried again counts as running.
    ...(operationState &&
    (!["Succeeded", "Running"].includes(operationState.phase) ||
      /retrying/i.test(operationState.message ?? ""))
      ? [`sync ${operationState.phase}: ${operationState.message ?? ""}`]
      : []),
    ...(health?.message ? [health.message] : []),
  ];
}
