import { stringify } from "yaml";
import { type Fields, isList, isValue, type Place, type Shape } from "../../tools/guard/values.ts";

/** A stream of numbers that a seed determines. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** @returns a whole number from 0, below a limit */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
type Object = { [name: string]: Json };

/** Scalars that are allowed somewhere, the paths of the tree in fuzz.test.ts among them. */
const fine = [
  ...[true, false, 1, 2, 5, 10, 30, 80, 100, 600, 1000, 9000],
  ...["payment", "payment-x", "app-payment", "http", "a", "A", "/health", "token", "antaeus"],
  ...["100m", "1", "128Mi", "2Gi", "A=b", "A_B=", "a.conf=deployment.yaml", "deployment.yaml"],
  ...["../../base", "../../components/known-caller", "ALL", "TCP", "RuntimeDefault", "replace"],
  ...["kustomize.config.k8s.io/v1beta1", "Kustomization", "Component", "merge", "IfNotPresent"],
  ...["v1", "apps/v1", "policy/v1", "autoscaling/v2", "Resource", "cpu", "Utilization"],
  ...["argoproj.io/v1alpha1", "AnalysisTemplate", "Rollout", "Latest", "Stable", "5s", "FailJob"],
  ...["In", "result[0] <= 0", "spec.template.spec.containers[0].env[0].value"],
  ...["batch/v1", "CronJob", "0 6 1 * *", "Etc/UTC", "Forbid", "OnFailure", "pay"],
  ...["Recreate", "RollingUpdate", "ClusterIP", "ReadWriteOnce", "ScheduleAnyway"],
  ...["kubernetes.io/hostname", "pod-template-hash", "kube-root-ca.crt"],
  ...["Prune=false,Delete=false", "20261122-516b8b7dcf81", `sha256:${"0".repeat(64)}`],
  ...["Deployment", "HorizontalPodAutoscaler", "PersistentVolumeClaim", "PodDisruptionBudget"],
  ...[
    "AlwaysAllow",
    "PruneLast=true",
    "Service",
    "ServiceAccount",
    "ghcr.io/bpesics/pe-gitops/payment",
  ],
];

/** Scalars that are allowed in few places, or in none. */
const odd: Json[] = [
  ...[null, -1, 0, 0.5, 31536000, 2 ** 53, "", " ", "*", "..", "/etc", "../../../antaeus/base"],
  ...["https://somebody.example/x", "ssh://somebody.example/x", "file:///nowhere", "a@b:c"],
  ...["GitHub.com/somebody/else", "../../base?ref=x", "NodePort", "LoadBalancer", "Always"],
  ...["app-antaeus", "paymеnt", "payment\u200b", "antaeus-x", "Skip", "PostSync", "true"],
  ...["ghcr.io/bpesics/pe-gitops/antaeus", "64Gi", "x".repeat(20_000), [], {}, [[]], { a: "b" }],
];

/** Names of fields that nothing here allows, and names that only look like one that is. */
const fields = [
  ...["nodeName", "tolerations", "hostNetwork", "hostPath", "hostPort", "externalIPs"],
  ...["priorityClassName", "command", "lifecycle", "initContainers", "annotations"],
  ...["finalizers", "ownerReferences", "externalName", "loadBalancerIP", "csi", "image "],
  ...["generators", "transformers", "validators", "helmCharts", "replacements", "bases"],
  ...["patchesStrategicMerge", "openapi", "target", "options", "<<", "", "__proto__"],
  ...["constructor", "hasOwnProperty", "toString", "name!", "$retainKeys", "status"],
];

/** What a change is, as the file that it makes. */
export interface Change {
  what: string;
  text: string;
}

const bare = (key: string) => key.replace("!", "");

/** @returns something that a shape allows; nothing for a value that nothing in this place can have */
function make(random: Random, shape: Shape, place: Place): Json | undefined {
  if (isValue(shape)) {
    const possible = fine.filter((value) => shape.is(value, place));
    return possible.length > 0 ? random.pick(possible) : undefined;
  }
  if (isList(shape)) {
    const items = Array.from({ length: 1 + random.below(2) }, () => make(random, shape[0], place));
    return items.filter((item) => item !== undefined);
  }
  const made: Object = {};
  for (const [key, inner] of Object.entries(shape)) {
    const isWanted = key.endsWith("!") || ["apiVersion", "kind"].includes(key);
    const value = isWanted || random.below(2) ? make(random, inner, place) : undefined;
    // What another team alone may have.
    if (value === undefined && key.endsWith("!")) return undefined;
    if (value !== undefined) made[bare(key)] = value;
  }
  return made;
}

/** In YAML as people write it, or in JSON, which is YAML as well. */
const written = (random: Random, value: Json): string =>
  random.below(3) ? stringify(value) : `${JSON.stringify(value)}\n`;

/** A change within what is allowed. */
export const within = (random: Random, shape: Fields, place: Place): Change => ({
  what: "what is allowed",
  text: written(random, make(random, shape, place) as Object),
});

/** Each place of a value that a shape is about. */
function* places(value: Json, shape: Shape): Generator<{ value: Json; shape: Shape }> {
  yield { value, shape };
  if (isValue(shape) || value === null || typeof value !== "object") return;
  if (isList(shape)) {
    for (const item of value as Json[]) yield* places(item, shape[0]);
    return;
  }
  for (const [key, inner] of Object.entries(shape)) {
    const child = (value as Object)[bare(key)];
    if (child !== undefined) yield* places(child, inner);
  }
}

/** A change that breaks what is allowed in one place. */
export function beyond(random: Random, shape: Fields, place: Place, single: boolean): Change {
  const made = make(random, shape, place) as Object;
  const all = [...places(made, shape)];
  const maps = all.filter((one) => !isValue(one.shape) && !isList(one.shape));
  const kinds = ["field", "case", "value", "list", "text", "text"];
  switch (random.pick(kinds)) {
    case "field": {
      const at = random.pick(maps);
      const known = Object.keys(at.shape).map(bare);
      const name = random.pick(fields.filter((field) => !known.includes(field)));
      // Not by assignment, which would set the prototype.
      const config = { value: random.pick([...fine, ...odd]), enumerable: true };
      Object.defineProperty(at.value, name, config);
      return { what: `the field ${name}`, text: written(random, made) };
    }
    case "case": {
      const at = random.pick(maps.filter(({ value }) => Object.keys(value as Object).length > 0));
      const name = random.pick(Object.keys(at.value as Object));
      const other = random.pick([
        name[0] === "$" ? `${name}s` : `${name[0]?.toUpperCase()}${name.slice(1)}`,
        name.toUpperCase(),
        `${name} `,
        `${name}\u200b`,
        `${name.slice(0, -1)}\u0435`,
      ]);
      (at.value as Object)[other] = (at.value as Object)[name] as Json;
      return { what: `${name} as ${other}`, text: written(random, made) };
    }
    case "value": {
      const at = random.pick(maps.filter(({ value }) => Object.keys(value as Object).length > 0));
      const [key, inner] = random.pick(
        Object.entries(at.shape as Fields).filter(([key]) => bare(key) in (at.value as Object)),
      );
      const wrong = [...fine, ...odd].filter((value) => !fits(value, inner, place));
      const value = random.pick(wrong);
      (at.value as Object)[bare(key)] = value as Json;
      return { what: `${key}: ${`${value}`.slice(0, 40)}`, text: written(random, made) };
    }
    case "list": {
      const lists = all.filter((one) => isList(one.shape));
      if (lists.length === 0) return { what: "no object", text: "- a\n" };
      const at = random.pick(lists);
      const [item] = at.shape as readonly [Shape];
      const value = random.pick(odd.filter((value) => !fits(value, item, place)));
      (at.value as Json[]).push(value);
      return { what: `the item ${value}`, text: written(random, made) };
    }
    default:
      return inText(random, stringify(made), single);
  }
}

/** Whether a value could stand where a shape is about; only values that are no list and no object are sure. */
const fits = (value: Json, shape: Shape, place: Place): boolean =>
  isValue(shape)
    ? shape.is(value, place)
    : isList(shape)
      ? Array.isArray(value) && value.every((item) => fits(item, shape[0], place))
      : value !== null && typeof value === "object" && !Array.isArray(value);

/** A change of the text: what people and programs read in different ways. */
function inText(random: Random, text: string, single: boolean): Change {
  const lines = text.split("\n");
  const [first = ""] = lines;
  const changes: Record<string, string> = {
    "a field twice": `${text}${first}\n`,
    "a field twice, once in quotes": `${text}${first.replace(/^(\w+):/, '"$1":')}\n`,
    "a field twice, once with an escape": `${text}${first.replace(/^(.)(\w+):/, (_, one, rest) => `"\\x${one.charCodeAt(0).toString(16)}${rest}":`)}\n`,
    "an anchor": text.replace(/^(\w+): /, "$1: &a "),
    "a merge key": `<<: {a: b}\n${text}`,
    "a merge of an anchor": `x: &x {a: b}\n<<: *x\n${text}`,
    "an alias": `${text}metadata: *a\n`,
    "a tag": text.replace(/^(\w+): /, "$1: !!str "),
    "another version of YAML": `%YAML 1.1\n---\n${text}`,
    "a tag's directive": `%TAG ! tag:example.org,2000:\n---\n${text}`,
    "a byte order mark": `\ufeff${text}`,
    "text from right to left": `# \u202e\n${text}`,
    "a null byte": `# \0\n${text}`,
    "a line separator": `# \u2028a: b\n${text}`,
    "bytes that are no text": `# \ufffd\n${text}`,
    "a carriage return": `# a\r${text}`,
    "a tab": `${text}\tx: y\n`,
    "too many bytes": `${text}${"# more\n".repeat(12_000)}`,
    "a key that is a list": `? [a]\n: b\n${text}`,
    "half of it": text.replace(/:/, ""),
    "a second document": single ? `${text}---\n${text}` : `${text}---\n- a\n`,
    "a document that ends, and more": `${text}...\nx: y\n`,
    "fields within quotes that do not end": `${text}x: "\n`,
  };
  const what = random.pick(Object.keys(changes));
  return { what, text: changes[what] as string };
}

/** Each path that a shape allows, with the shape there: read otherwise than the guard does. */
export function* paths(shape: Shape, path = ""): Generator<[path: string, shape: Shape]> {
  yield [path, shape];
  if (isValue(shape)) return;
  if (isList(shape)) yield* paths(shape[0], `${path}/*`);
  else
    for (const [key, inner] of Object.entries(shape)) yield* paths(inner, `${path}/${bare(key)}`);
}

/** @returns the paths in a value that a shape does not name, or with a value that it does not allow */
export function unnamed(value: unknown, shape: Shape, place: Place): string[] {
  const known = new Map(paths(shape));
  const visit = (inner: unknown, path: string): string[] => {
    const here = known.get(path);
    if (!here) return [path];
    if (Array.isArray(inner)) return inner.flatMap((item) => visit(item, `${path}/*`));
    if (inner && typeof inner === "object") {
      return Object.entries(inner).flatMap(([key, item]) => visit(item, `${path}/${key}`));
    }
    return isValue(here) && here.is(inner, place) ? [] : [path];
  };
  return visit(value, "");
}
