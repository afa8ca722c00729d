import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPod } from "kubernetes-models/v1";
import { textAt } from "../git/git.ts";
import { imageIn, sourceCommit, tagOf } from "../images/images.ts";
import type { Application, Kubectl } from "../kubernetes/cluster.ts";
import { bumpOf, type Change, contains, isBuiltFrom, log } from "./history.ts";
import type { Observation } from "./tracking.ts";

/**
 * What Git and the cluster say of a commit and one Application.
 * @param change what the commit changes of it; of one that it does not concern, the sync is all that matters
 * @param tip the newest commit of the branch that Argo CD reads
 */
export async function observe(
  kubectl: Kubectl,
  application: Application,
  { commit, change, tip }: { commit: string; change: Change; tip: string },
): Promise<Observation> {
  const { sync, operationState, history = [] } = application.status ?? {};
  const release = change === "source" ? await releaseOf(application, commit, tip) : undefined;
  const needed = release?.bump?.sha ?? commit;
  const revisions = new Set<string>();
  for (const revision of new Set([
    sync?.revision,
    operationState?.syncResult?.revision,
    operationState?.operation?.sync?.revision,
    ...history.map((entry) => entry.revision),
  ])) {
    if (revision && (await contains(revision, needed))) revisions.add(revision);
  }
  return { application, revisions, release, ...(await runs(kubectl, application, change)) };
}

async function releaseOf({ spec, status }: Application, commit: string, tip: string) {
  const { path = "" } = spec?.source ?? {};
  const overlay = `${path}/kustomization.yaml`;
  const imageAt = async (revision = "") => {
    const text = await textAt(revision, overlay).catch(() => "");
    return text ? imageIn(text) : undefined;
  };
  // Of a merge, what it merged: that is what images are built from.
  const source = await sourceCommit(path.split("/")[1] ?? "", commit);
  const bump = await bumpOf(source, tip, overlay);
  const [now, synced] = [await imageAt(tip), await imageAt(status?.sync?.revision)];
  const isTakenBack = bump && now && !(await isBuiltFrom(now, source));
  const [takenBack] = isTakenBack ? await log(["-1", "-GnewTag", tip, "--", overlay]) : [];
  return {
    expected: `${now?.name ?? "an image"}:${await tagOf(source)}`,
    ...{ bump, takenBack },
    synced: synced?.digest ? `@${synced.digest}` : synced && `:${synced.newTag}`,
  };
}

/** The Deployments of an Application that a commit concerns, and the pods in their namespaces. */
async function runs(kubectl: Kubectl, { status }: Application, change: Change) {
  const resources = (status?.resources ?? []).filter(({ kind }) => change && kind === "Deployment");
  const items = [];
  for (const namespace of new Set(resources.map(({ namespace = "" }) => namespace))) {
    const get = ["get", "deployments,pods", "-n", namespace];
    items.push(...(await kubectl.json<{ items: (IDeployment | IPod)[] }>(get)).items);
  }
  const isOfIt = ({ metadata }: IDeployment) =>
    resources.some(
      ({ name, namespace }) => name === metadata?.name && namespace === metadata?.namespace,
    );
  return {
    deployments: items.filter((item) => item.kind === "Deployment").filter(isOfIt),
    pods: items.filter((item) => item.kind === "Pod"),
  };
}
