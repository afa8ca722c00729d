import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IPod } from "kubernetes-models/v1";
import { run, UserError } from "../../../tools/cli/command.ts";
import { retry } from "../../../tools/cli/progress.ts";
import { endpoint, fetchTip, isInCluster, publish } from "../../../tools/delivery/git-endpoint.ts";
import { type AnalysisRun, ofRollout, type Rollout } from "../../../tools/delivery/rollout.ts";
import { argoCDReady } from "../../../tools/kubernetes/argocd.ts";
import { type Application, Kubectl, reasons, state } from "../../../tools/kubernetes/cluster.ts";
import { antaeusUrl } from "../../../tools/kubernetes/kind.ts";
import { withLocalImages } from "../../../tools/local/local-images.ts";
import { type Charge, chargesOfAntaeus, inAntaeus } from "../../../tools/pay-run/charges.ts";
import { type Invoice, invoices } from "../../../tools/pay-run/pay-run.ts";

export const kubectl = await Kubectl.current();

/**
 * Tests here delete policies, break Argo CD and commit: only on a cluster that reads from the Git endpoint within it.
 * @throws UserError for any other one
 */
async function refuseOtherClusters(): Promise<void> {
  const applications = await kubectl.applications().catch(() => []);
  const root = applications.find(({ metadata }) => metadata.name === "root");
  if (!root) {
    throw new UserError(
      `No Applications in the context ${kubectl.context}: make up, or set KUBECONFIG.`,
    );
  }
  const url = root.spec?.source?.repoURL ?? "";
  if (isInCluster(url)) return;
  throw new UserError(
    `The context ${kubectl.context} is a cluster that deploys ${url}, and these tests break what they test. ` +
      "kubectl config use-context kind-pe-gitops, or make up.",
  );
}

await refuseOtherClusters();

/** Where Antaeus is reached from outside of the cluster. */
export const antaeus = antaeusUrl;

/** The commit under test, with the images that were built from it. */
export const head = await withLocalImages(await run("git", ["rev-parse", "HEAD"]));

/** Waits until every Application runs the commit. @returns seconds it took */
export async function untilLive(commit: string, timeout = 180): Promise<number> {
  const begin = performance.now();
  if (await kubectl.untilLive(commit, timeout)) return (performance.now() - begin) / 1000;
  const states = (await kubectl.applications()).map(
    (application) =>
      `${application.metadata.name}: ${state(application)} ${reasons(application).join("; ")}`,
  );
  throw new Error(`${commit.slice(0, 7)} is not live after ${timeout} s\n${states.join("\n")}`);
}

/** The invoices, once the Service leads to the pod of now: a moment after that one is ready. */
export const currentInvoices = (): Promise<Invoice[]> => retry(30, () => invoices(antaeus));

export async function application(name: string): Promise<Application> {
  return kubectl.json<Application>(["get", "applications.argoproj.io", name, "-n", "argocd"]);
}

/** By file, how its text changes. */
export type Changes = Record<string, (text: string) => string>;

/**
 * Commits a change of files on top of the commit under test, in a clone of its own, and hands it to Argo CD; where the
 * source of an image changed, with that image in a commit on top.
 * @returns the new commit
 */
export async function commitFiles(changes: Changes): Promise<string> {
  const clone = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
  try {
    const git = (...args: string[]) => run("git", ["-C", clone, ...args]);
    await run("git", ["clone", "--quiet", "--no-hardlinks", ".", clone]);
    await git("checkout", "--quiet", "--detach", head);
    for (const [file, change] of Object.entries(changes)) {
      const path = join(clone, file);
      const before = readFileSync(path, "utf8");
      const after = change(before);
      if (after === before) throw new Error(`the change does not change ${file}`);
      writeFileSync(path, after);
    }
    const author = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"];
    const message = `e2e: change ${Object.keys(changes).join(", ")}`;
    await git(...author, "commit", "--quiet", "--all", "--message", message);
    const made = await git("rev-parse", "HEAD");
    const isSource = Object.keys(changes).some((file) => /^(packages|[^/]+-service)\//.test(file));
    const sha = isSource ? await withLocalImages(made, { folder: clone }) : made;
    await publish(kubectl, sha, clone);
    return sha;
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
}

/** Commits a change of one file, likewise. */
export const commit = (file: string, change: (text: string) => string): Promise<string> =>
  commitFiles({ [file]: change });

/** Whether an Application follows Git by itself, and puts back what others change. */
export const autoSync = (name: string, enabled: boolean): Promise<void> =>
  kubectl.autoSync(name, enabled);

/** Takes Antaeus away, which Argo CD does not mend meanwhile, or gives it back. */
export async function setAntaeus(there: boolean): Promise<void> {
  if (!there) await autoSync("antaeus", false);
  const replicas = `--replicas=${Number(there)}`;
  await kubectl.run(["scale", "deployment/antaeus", "-n", "app-antaeus", replicas]);
  if (there) await autoSync("antaeus", true);
}

/** payment's Rollout. */
export const rollout = (): Promise<Rollout> =>
  kubectl.json<Rollout>(["get", "rollouts.argoproj.io", "payment", "-n", "app-payment"]);

/** The analyses of payment's releases, those of earlier ones too. */
export const analyses = async (): Promise<AnalysisRun[]> =>
  (
    await kubectl.json<{ items: AnalysisRun[] }>([
      ...["get", "analysisruns.argoproj.io", "-n", "app-payment"],
    ])
  ).items;

/** Ends when payment's release has passed, and all pods of other versions are gone. */
export const rolledOut = (seconds = 120): Promise<void> =>
  retry(seconds, async () => {
    const seen = {
      pods: (await allPods("payment")) as unknown as IPod[],
      analyses: await analyses(),
    };
    const { state, what } = ofRollout(await rollout(), seen, "");
    if (state !== "done") throw new Error(what);
  });

/** Sets how many pods payment has, as its autoscaler does. */
export const scalePayment = (replicas: number): Promise<string> =>
  kubectl.run([
    ...["scale", "rollouts.argoproj.io/payment", "-n", "app-payment", `--replicas=${replicas}`],
  ]);

/** A service account as Kubernetes calls it. */
export const account = (namespace: string, name: string) =>
  `system:serviceaccount:${namespace}:${name}`;

/** Whether somebody may do something in a namespace. */
export const may = (
  who: string,
  verb: string,
  resource: string,
  namespace: string,
  subresource = "",
): Promise<boolean> =>
  kubectl
    .run([
      ...["auth", "can-i", verb, resource, `--subresource=${subresource}`],
      ...["-n", namespace, "--as", who],
    ])
    .then(
      () => true,
      ({ message }: Error) => {
        if (/^no\b/m.test(message)) return false;
        throw new Error(message);
      },
    );

/** Goes back to the commit under test, unless everything is there already, and until no pod of another version is left. */
export async function restore(): Promise<void> {
  const isThere =
    (await fetchTip(endpoint(kubectl))) === head && (await kubectl.untilLive(head, 0));
  if (!isThere) {
    await publish(kubectl, head);
    await untilLive(head);
  }
  await rolledOut();
}

/** Runs JavaScript in Antaeus' pod, in the cluster's network. @returns what it prints, parsed */
export const fromAntaeus = <T>(script: string): Promise<T> => inAntaeus<T>(kubectl, script);

/** Charges from Antaeus' pod. @returns the status codes and the answers, in order */
export const charges = (count: number): Promise<Charge[]> => chargesOfAntaeus(kubectl, count);

/**
 * Puts right what a run that was interrupted left behind: auto-sync that is off, pods, another commit. Each file of tests
 * begins with it, so that none goes on with a cluster that the one before broke.
 * @throws Error when Argo CD itself is broken: what its Applications say is old then
 */
export async function putRight(): Promise<void> {
  await argoCDReady(kubectl, "30s");
  for (const { metadata, spec } of await kubectl.applications())
    if (spec?.syncPolicy?.automated?.enabled === false) await autoSync(metadata.name, true);
  const { items } = await kubectl.json<{ items: Pod[] }>(["get", "pods", "--all-namespaces"]);
  for (const { metadata } of items.filter(({ metadata }) => metadata.name.startsWith("e2e-")))
    await kubectl.run(["delete", "pod", metadata.name, "-n", metadata.namespace]);
  await restore();
}

export interface Pod {
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    deletionTimestamp?: string;
  };
  spec: { containers: { image: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions: { type: string; status: string; lastTransitionTime: string }[];
    containerStatuses?: { restartCount: number }[];
  };
}

/** The label that says of which version a service's pod is. */
const version = (service: string) =>
  service === "payment" ? "rollouts-pod-template-hash" : "pod-template-hash";

/** Of its Rollout or Deployment: not those of a Job. */
async function allPods(service: string): Promise<Pod[]> {
  const get = ["get", "pods", "-n", `app-${service}`, "-l", version(service)];
  return (await kubectl.json<{ items: Pod[] }>(get)).items;
}

/** The pods of a service that are not terminating. */
export const pods = async (service: string): Promise<Pod[]> =>
  (await allPods(service)).filter(({ metadata }) => !metadata.deletionTimestamp);

/** Ends when none of a service's pods is terminating, and all are of one version. */
export const drained = (service: string): Promise<void> =>
  retry(90, async () => {
    const all = await allPods(service);
    if (all.some(({ metadata }) => metadata.deletionTimestamp)) throw new Error("pods terminate");
    const versions = new Set(all.map(({ metadata }) => metadata.labels?.[version(service)]));
    if (versions.size > 1) throw new Error(`pods of ${versions.size} versions`);
  });

await putRight();
