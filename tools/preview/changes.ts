import { isDeepStrictEqual } from "node:util";
import { id, type Manifest } from "../render/manifests.ts";

/** What becomes of one object: created has no before, deleted no after. */
export interface Change {
  before?: Manifest;
  after?: Manifest;
}

/** The end of a generated name, as Kustomize makes it of the content. */
const hash = /-[bcdfghkmt2456789]{10}$/;

/**
 * What differs between two renders. A ConfigMap or Secret whose generated name says that its content is another
 * is one change, not one object deleted and another created.
 */
export function compare(before: Manifest[], after: Manifest[]): Change[] {
  const left = new Map(before.map((object) => [id(object), object]));
  const changes: Change[] = [];
  const created: Manifest[] = [];
  for (const object of after) {
    const old = left.get(id(object));
    left.delete(id(object));
    if (!old) created.push(object);
    else if (!isDeepStrictEqual(old, object)) changes.push({ before: old, after: object });
  }
  for (const object of created) {
    const old = [...left.values()].find((other) => stable(other) === stable(object));
    if (old && old.metadata.name !== object.metadata.name) left.delete(id(old));
    changes.push(old ? { before: old, after: object } : { after: object });
  }
  return [...changes, ...[...left.values()].map((object) => ({ before: object }))];
}

/** An object's identity without the hash of its content. */
const stable = (object: Manifest): string =>
  ["ConfigMap", "Secret"].includes(object.kind) ? id(object).replace(hash, "") : id(object);

/** The object that a change is about, as it will be; as it was, when it is deleted. */
export const subject = ({ before, after }: Change): Manifest => (after ?? before) as Manifest;

/** Kinds whose pods start anew when their template changes. */
const workloads = ["DaemonSet", "Deployment", "Rollout", "StatefulSet"];

/**
 * Why pods start anew.
 * @returns each reason in a few words; undefined when they do not
 */
export function restart({ before, after }: Change): string[] | undefined {
  if (!before || !after || !workloads.includes(after.kind)) return undefined;
  const [old, now] = [before.spec?.template, after.spec?.template];
  if (isDeepStrictEqual(old, now)) return undefined;
  const [was, is] = [new Map(values(old)), new Map(values(now))];
  const changed = [...is.keys(), ...was.keys()].filter((path) => was.get(path) !== is.get(path));
  const [images, variables, others] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const path of changed) {
    const [one = "", other = ""] = [was.get(path), is.get(path)];
    const [, field, variable = ""] = /ontainers\/[^/]+\/(image$|env\/([^/]+))/.exec(path) ?? [];
    if (field && variable) variables.add(variable);
    else if (field && one && other) images.add(`image ${other}`);
    else if (one.replace(hash, "") !== other.replace(hash, "")) others.add("another pod template");
    if (hash.test(one) || hash.test(other)) others.add("another configuration");
  }
  const names = variables.size > 0 ? [`another value of ${[...variables].join(", ")}`] : [];
  const reasons = [...images, ...names, ...[...others].sort()];
  // The order of a list, for one.
  if (reasons.length === 0) reasons.push("another pod template");
  if (after.spec.strategy?.type === "Recreate") reasons.push("stops before it starts (Recreate)");
  return reasons;
}

/** Each value of a pod template by its path, in which the items of a list have their names. */
function* values(node: unknown, path = ""): Generator<[path: string, value: string]> {
  if (typeof node !== "object" || node === null) return yield [path, `${node}`];
  for (const [key, item] of Object.entries(node))
    yield* values(item, `${path}/${(Array.isArray(node) && item?.name) || key}`);
}

/** What a deletion comes to: Argo CD deletes the object, or leaves it, and why. */
export function fate({ metadata }: Manifest, application: Manifest | undefined): string {
  if (!application) return "stays: nothing deletes what was applied by hand";
  const options = metadata.annotations?.["argocd.argoproj.io/sync-options"] ?? "";
  const { automated } = application.spec.syncPolicy ?? {};
  if (/\bPrune=false\b/.test(options)) return "stays: Prune=false";
  if (/\bPrune=confirm\b/.test(options))
    return "is deleted when somebody confirms it: Prune=confirm";
  if (!automated?.prune || automated.enabled === false) return "stays until somebody prunes it";
  return "is deleted";
}

const permissions = /^(AppProject|Application(Set)?|(Cluster)?Role(Binding)?|ServiceAccount)$/;
const network = /^(Gateway|HTTPRoute|Ingress|NetworkPolicy)$/;

/** What of the cluster's safety a change touches, each in a few words. */
export function risks(change: Change): string[] {
  const { kind, metadata } = subject(change);
  const isNetwork = network.test(kind) || isDoor(change.before) || isDoor(change.after);
  return [
    ...(metadata.namespace ? [] : ["cluster-wide"]),
    ...(permissions.test(kind) ? ["permissions"] : []),
    ...(isNetwork ? ["network"] : []),
  ];
}

/** Whether it is a Service that is reached from outside of the cluster. */
const isDoor = (object: Manifest | undefined): boolean =>
  object?.kind === "Service" && ["LoadBalancer", "NodePort"].includes(object.spec?.type);
