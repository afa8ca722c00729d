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
const workloads = ["DaemonSet", "Deployment", "StatefulSet"];

/**
 * Why pods start anew.
 * @returns each reason in a few words; undefined when they do not
 */
export function restart({ before, after }: Change): string[] | undefined {
  if (!before || !after || !workloads.includes(after.kind)) return undefined;
  const [old, now] = [before.spec?.template, after.spec?.template];
  if (isDeepStrictEqual(old, now)) return undefined;
  const was = images(old);
  const reasons = Object.entries(images(now))
    .filter(([name, image]) => was[name] !== undefined && was[name] !== image)
    .map(([, image]) => `image ${image}`);
  const names = changedVariables(old, now);
  if (names.length > 0) reasons.push(`another value of ${names.join(", ")}`);
  if (!isDeepStrictEqual(generated(old), generated(now))) reasons.push("another configuration");
  if (shape(old) !== shape(now) || reasons.length === 0) reasons.push("another pod template");
  if (after.spec.strategy?.type === "Recreate") reasons.push("stops before it starts (Recreate)");
  return reasons;
}

// biome-ignore lint/suspicious/noExplicitAny: a pod template
type Template = any;

const containers = (template: Template): Template[] => [
  ...(template?.spec?.initContainers ?? []),
  ...(template?.spec?.containers ?? []),
];

/** The image of each container. */
const images = (template: Template): Record<string, string> =>
  Object.fromEntries(containers(template).map(({ name, image }) => [name, image]));

/** The names of the environment variables that are not as they were, or not in the same containers. */
function changedVariables(old: Template, now: Template): string[] {
  const variables = (template: Template): [string, string][] =>
    containers(template).flatMap((container) =>
      (container.env ?? []).map((one: Template) => [
        one.name,
        JSON.stringify([container.name, one]),
      ]),
    );
  const [before, after] = [variables(old), variables(now)];
  const others = (some: [string, string][], all: [string, string][]) =>
    some.filter(([, one]) => !all.some(([, other]) => one === other));
  return [...new Set([...others(after, before), ...others(before, after)].map(([name]) => name))];
}

/** The generated names that a pod template refers to. */
const generated = (template: Template): string[] =>
  (JSON.stringify(template ?? {}).match(/"[^"]*"/g) ?? [])
    .map((text) => text.slice(1, -1))
    .filter((text) => hash.test(text));

/** A pod template without what the reasons above tell of. */
const shape = (template: Template): string =>
  JSON.stringify(template, (key, value) => {
    if (key === "image" || key === "env") return undefined;
    return typeof value === "string" ? value.replace(hash, "") : value;
  });

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
