import { isDeepStrictEqual } from "node:util";
import { id, type Manifest } from "../render/manifests.ts";
import { type Change, fate } from "./changes.ts";

/** Kinds that take data with them. */
const data = /^(CustomResourceDefinition|Namespace|PersistentVolume(Claim)?)$/;

/** Fields that Kubernetes lets nobody change, with what they are where a manifest does not say it. */
const immutable: Record<string, string[]> = {
  ClusterRoleBinding: ["roleRef"],
  CustomResourceDefinition: ["spec.scope"],
  DaemonSet: ["spec.selector"],
  Deployment: ["spec.selector"],
  IngressClass: ["spec.controller"],
  Job: ["spec.selector", "spec.template", "spec.completionMode=NonIndexed"],
  PersistentVolumeClaim: [
    ...["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
    ...["spec.volumeMode=Filesystem", "spec.dataSource", "spec.dataSourceRef"],
  ],
  PriorityClass: ["value", "preemptionPolicy=PreemptLowerPriority"],
  ReplicaSet: ["spec.selector"],
  RoleBinding: ["roleRef"],
  RuntimeClass: ["handler"],
  Secret: ["type=Opaque"],
  StatefulSet: [
    ...["spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"],
    "spec.podManagementPolicy=OrderedReady",
  ],
  StorageClass: [
    ...["provisioner", "parameters", "reclaimPolicy=Delete", "volumeBindingMode=Immediate"],
  ],
};

/** What goes wrong when a change is merged, each in a few words. */
export function dangers({ before, after }: Change, application: Manifest | undefined): string[] {
  if (before && !after) {
    const isLost = data.test(before.kind) && !fate(before, application).startsWith("stays");
    return isLost ? ["its data is deleted with it"] : [];
  }
  // Under another name it is another object, to which everything may be new.
  if (!before || !after || id(before) !== id(after)) return [];
  const frozen = before.immutable === true ? ["immutable", "data", "binaryData", "stringData"] : [];
  const fields = [...(immutable[after.kind] ?? []), ...frozen]
    .map((field) => field.split("="))
    .filter(([path = "", unset]) => {
      const [was, is] = [before, after].map((object) => at(object, path) ?? unset);
      return !isDeepStrictEqual(was, is);
    });
  return [
    ...fields.map(([path]) => `Kubernetes refuses it: ${path} cannot change`),
    ...(after.kind === "PersistentVolumeClaim" ? shrinking(before, after) : []),
    ...(after.kind === "Service" ? readdressing(before, after) : []),
  ];
}

function shrinking(before: Manifest, after: Manifest): string[] {
  const path = "spec.resources.requests.storage";
  const [was, is] = [at(before, path), at(after, path)];
  return bytes(is) < bytes(was)
    ? [`Kubernetes refuses it: a volume cannot shrink, from ${was} to ${is}`]
    : [];
}

/** A Service is given an address when it is created, unless it is headless; neither changes from then on. */
function readdressing(before: Manifest, after: Manifest): string[] {
  const [was, is] = [before.spec?.clusterIP, after.spec?.clusterIP];
  if (was === is || [before, after].some(({ spec }) => spec?.type === "ExternalName")) return [];
  if (is === "None")
    return ["Kubernetes refuses it: a Service cannot become headless (spec.clusterIP)"];
  if (is) return ["Kubernetes refuses it: spec.clusterIP cannot change"];
  return [`spec.clusterIP stays ${was}: Kubernetes keeps what a Service has`];
}

/** A quantity such as 500Mi, 1G or 1e9; NaN of what is none. */
function bytes(quantity: unknown): number {
  const form = /^([\d.]+(?:[eE][+-]?\d+)?)([kMGTPE]?)(i?)$/;
  const [, value, prefix = "", binary] = form.exec(String(quantity)) ?? [];
  return Number(value) * (binary ? 1024 : 1000) ** " kMGTPE".indexOf(prefix || " ");
}

const at = (object: Manifest, path: string): unknown =>
  // biome-ignore lint/suspicious/noExplicitAny: a path into a manifest
  path.split(".").reduce<any>((value, key) => value?.[key], object);
