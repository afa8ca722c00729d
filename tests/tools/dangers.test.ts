import test from "ava";
import { restart } from "../../tools/preview/changes.ts";
import { dangers } from "../../tools/preview/dangers.ts";
import type { Manifest } from "../../tools/render/manifests.ts";

const object = (kind: string, fields: object, name = "one"): Manifest => ({
  ...{ apiVersion: "v1", kind, metadata: { name, namespace: "app-payment" } },
  ...fields,
});

/** What is said of an object of a kind whose fields change. */
const said = (kind: string, before: object, after: object) =>
  dangers({ before: object(kind, before), after: object(kind, after) }, undefined);

const claim = (storage: string | number, others = {}) => ({
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, ...others },
});

test("a volume that shrinks is refused; one that grows, or is said in another unit, is not", (t) => {
  for (const [was, is] of [
    ["1Gi", "500Mi"],
    ["1Gi", "1G"],
    ["1.5Gi", "1Gi"],
    ["2G", 1e9],
    ["1E", "1e17"],
    ["1000", "999"],
  ] as const) {
    const text = `Kubernetes refuses it: a volume cannot shrink, from ${was} to ${is}`;
    t.deepEqual(said("PersistentVolumeClaim", claim(was), claim(is)), [text]);
    t.deepEqual(said("PersistentVolumeClaim", claim(is), claim(was)), []);
  }
  t.deepEqual(said("PersistentVolumeClaim", claim("1Gi"), claim("1024Mi")), []);
  t.deepEqual(said("PersistentVolumeClaim", claim("1k"), claim("1000")), []);
});

test("a field that cannot change is named, and one that can is not", (t) => {
  const selector = (app: string) => ({ selector: { matchLabels: { app } } });
  for (const [kind, field, was, is] of [
    ["Deployment", "selector", selector("a").selector, selector("b").selector],
    ["DaemonSet", "selector", selector("a").selector, selector("b").selector],
    ["ReplicaSet", "selector", selector("a").selector, selector("b").selector],
    ["StatefulSet", "serviceName", "a", "b"],
    ["StatefulSet", "podManagementPolicy", undefined, "Parallel"],
    ["StatefulSet", "volumeClaimTemplates", [claim("1Gi")], [claim("2Gi")]],
    ["PersistentVolumeClaim", "storageClassName", "slow", "fast"],
    ["PersistentVolumeClaim", "accessModes", ["ReadWriteOnce"], ["ReadWriteMany"]],
    ["PersistentVolumeClaim", "volumeMode", undefined, "Block"],
    ["PersistentVolumeClaim", "volumeName", "a", "b"],
    ["Job", "template", { spec: { a: 1 } }, { spec: { a: 2 } }],
    ["CustomResourceDefinition", "scope", "Namespaced", "Cluster"],
  ] as const) {
    const [before, after] = [was, is].map((value) => ({ spec: { [field]: value, replicas: 1 } }));
    t.deepEqual(said(kind, before ?? {}, after ?? {}), [
      `Kubernetes refuses it: spec.${field} cannot change`,
    ]);
    // The control: what everybody may change.
    t.deepEqual(said(kind, { ...before }, { spec: { ...before?.spec, replicas: 2 } }), []);
  }
  const refused = (field: string) => [`Kubernetes refuses it: ${field} cannot change`];
  t.deepEqual(said("RoleBinding", { roleRef: "a" }, { roleRef: "b" }), refused("roleRef"));
  t.deepEqual(said("Secret", { type: "a" }, { type: "b" }), refused("type"));
  t.deepEqual(said("StorageClass", { provisioner: "a" }, { provisioner: "b" }), [
    "Kubernetes refuses it: provisioner cannot change",
  ]);
});

test("a default that is written out is no change", (t) => {
  t.deepEqual(said("Secret", {}, { type: "Opaque" }), []);
  t.deepEqual(
    said("PersistentVolumeClaim", claim("1Gi"), claim("1Gi", { volumeMode: "Filesystem" })),
    [],
  );
});

test("data that is immutable cannot change, but under another name it is another object's", (t) => {
  for (const kind of ["ConfigMap", "Secret"]) {
    const [before, after] = [
      { immutable: true, data: { a: "1" } },
      { immutable: true, data: { a: "2" } },
    ];
    t.deepEqual(said(kind, before, after), ["Kubernetes refuses it: data cannot change"]);
    t.deepEqual(said(kind, before, { data: { a: "1" } }), [
      "Kubernetes refuses it: immutable cannot change",
    ]);
    t.deepEqual(said(kind, { data: { a: "1" } }, after), [], "it becomes immutable with this");
    const renamed = { before: object(kind, before, "a"), after: object(kind, after, "b") };
    t.deepEqual(dangers(renamed, undefined), []);
  }
});

test("a Service keeps its address, or that it has none", (t) => {
  const service = (before: object, after: object) =>
    said("Service", { spec: before }, { spec: after });
  const headless = "Kubernetes refuses it: a Service cannot become headless (spec.clusterIP)";
  t.deepEqual(service({}, { clusterIP: "None" }), [headless]);
  t.deepEqual(service({ clusterIP: "10.96.0.9" }, { clusterIP: "None" }), [headless]);
  const changed = "Kubernetes refuses it: spec.clusterIP cannot change";
  t.deepEqual(service({ clusterIP: "10.96.0.9" }, { clusterIP: "10.96.0.8" }), [changed]);
  t.deepEqual(service({ clusterIP: "None" }, { clusterIP: "10.96.0.8" }), [changed]);
  t.deepEqual(service({ clusterIP: "None" }, {}), [
    "spec.clusterIP stays None: Kubernetes keeps what a Service has",
  ]);
  t.deepEqual(service({ type: "ExternalName" }, { clusterIP: "None" }), []);
  t.deepEqual(service({ clusterIP: "None" }, { clusterIP: "None", ports: [] }), []);
});

test("why pods start anew", (t) => {
  const deployment = (change: (pod: Pod) => void, spec = {}) => {
    const pod: Pod = {
      containers: [
        { name: "one", image: "one:1", env: [{ name: "A", value: "1" }, { name: "B" }] },
        { name: "two", image: "two:1", env: [] },
      ],
      volumes: [{ configMap: { name: "values-9c8bkt72m4" } }],
    };
    change(pod);
    const metadata = { name: "payment", namespace: "app-payment" };
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { template: pod, ...spec },
    };
  };
  type Pod = {
    containers: [Container, Container, ...Container[]];
    volumes: [{ configMap: { name: string } }];
  };
  type Container = { name: string; image: string; env: { name: string; value?: string }[] };
  const another = { name: "three", image: "three:1", env: [] };
  const cases: [change: (pod: Pod) => unknown, reasons: string[] | undefined][] = [
    [() => {}, undefined],
    [({ containers: [one] }) => Object.assign(one, { image: "one:2" }), ["image one:2"]],
    [
      ({ containers: [one, two] }) => [one.env.shift(), two.env.push({ name: "C", value: "2" })],
      ["another value of C, A"],
    ],
    [({ containers: [one] }) => one.env.reverse(), ["another pod template"]],
    [({ containers }) => containers.push(another), ["another pod template"]],
    [
      ({ volumes: [volume] }) => Object.assign(volume.configMap, { name: "values-8c8bkt72m4" }),
      ["another configuration"],
    ],
    [
      ({ volumes: [volume] }) => Object.assign(volume.configMap, { name: "others-8c8bkt72m4" }),
      ["another configuration", "another pod template"],
    ],
  ];
  for (const [change, reasons] of cases) {
    const [before, after] = [deployment(() => {}), deployment(change)];
    t.deepEqual(restart({ before, after }), reasons, `${change}`);
  }
  const recreate = deployment((pod) => pod.containers.push(another), {
    strategy: { type: "Recreate" },
  });
  t.deepEqual(restart({ before: deployment(() => {}), after: recreate }), [
    "another pod template",
    "stops before it starts (Recreate)",
  ]);
  t.is(restart({ after: recreate }), undefined, "it is new");
});
