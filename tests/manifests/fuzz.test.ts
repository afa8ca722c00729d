import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { kinds, kustomization } from "../../tools/guard/allowed.ts";
import { guard } from "../../tools/guard/guard.ts";
import { plain } from "../../tools/guard/tree.ts";
import type { Fields, Place } from "../../tools/guard/values.ts";
import { documents } from "../../tools/render/manifests.ts";
import { kustomize } from "../support/repository.ts";
import { beyond, type Change, Random, unnamed, within } from "./fuzz.ts";

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const count = 2_400;
console.log(`▸ ${count} generated changes; FUZZ_SEED=${seed} makes the same again`);

const listing = (resource: string) => `resources:\n  - ${resource}\n`;
const folder = "apps/payment/overlays/testing";
/** What is there besides the file that changes. */
const others: Record<string, string> = {
  "clusters/repository/kustomization.yaml":
    "patches:\n  - patch: |-\n      value: https://github.com/bpesics/pe-gitops.git\n",
  "apps/payment/base/kustomization.yaml": listing("object.yaml"),
  "apps/payment/base/object.yaml": "",
  "apps/payment/components/known-caller/kustomization.yaml": "kind: Component\n",
  [`${folder}/kustomization.yaml`]: listing("deployment.yaml"),
  [`${folder}/deployment.yaml`]: "",
};

/** Where the fuzzer chooses values for: as the guard sees the files above. */
const place: Place = {
  team: "payment",
  registry: "ghcr.io/bpesics",
  isFile: (path) => path === "deployment.yaml",
  isFolder: (path) => ["../../base", "../../components/known-caller"].includes(path),
};

/** What the guard says of one file. */
function said(file: string, text: string): string[] {
  const all = { ...others, [file]: text };
  const files = Object.entries(all).map(
    ([name, content]) => [name, { mode: plain, size: Buffer.byteLength(content) }] as const,
  );
  return guard({ files: new Map(files), read: (name) => all[name] as string })
    .filter((finding) => finding.file === file)
    .map(({ what }) => what);
}

const subjects: [name: string, file: string, shape: Fields][] = [
  ["Kustomization", `${folder}/kustomization.yaml`, kustomization],
  ...Object.entries(kinds).map(([kind, shape]): [string, string, Fields] => [
    kind,
    "apps/payment/base/object.yaml",
    shape,
  ]),
];

/** YAML 1.1 with merge keys: as Kustomize may read what the guard reads by 1.2. */
const readOtherwise = (text: string): unknown => parse(text, { version: "1.1", merge: true });

const random = new Random(seed);
const passed: { kind: string; shape: Fields; text: string }[] = [];

/** Whether a change has made something of another kind of it, which the table allows. */
function isOfAnother(kind: string, text: string): boolean {
  const object = readOtherwise(text) as { kind?: string } | null;
  const shape = (kinds as Record<string, Fields>)[object?.kind ?? ""];
  return object?.kind !== kind && shape !== undefined && unnamed(object, shape, place).length === 0;
}

/** @returns what the guard passes although it should not, or refuses although it is allowed */
function mistakes(make: (shape: Fields, kind: string) => Change, isAllowed: boolean): string[] {
  return Array.from({ length: count / 2 }).flatMap(() => {
    const [kind, file, shape] = random.pick(subjects);
    const { what, text } = make(shape, kind);
    const findings = said(file, text);
    if (findings.length > 0) return isAllowed ? [`${kind}: ${findings}\n${text}`] : [];
    if (!isAllowed)
      return isOfAnother(kind, text) ? [] : [`${kind}: ${what}\n${text.slice(0, 2000)}`];
    passed.push({ kind, shape, text });
    return unnamed(readOtherwise(text), shape, place).map((path) => `${kind}: ${path}\n${text}`);
  });
}

test.serial(
  "whatever the table allows, the guard passes, and another reader finds no more in it",
  (t) => {
    t.deepEqual(
      mistakes((shape) => within(random, shape, place), true),
      [],
    );
  },
);

test.serial("whatever the table does not name, the guard refuses", (t) => {
  const make = (shape: Fields, kind: string) =>
    beyond(random, shape, place, kind === "Kustomization");
  t.deepEqual(mistakes(make, false), []);
});

test.serial("what the guard passes, Kustomize reads as the table names it", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(root, { recursive: true });
  // Without what is for patches alone, which Kustomize takes out of them.
  const objects = passed
    .filter(({ kind, text }) => kind !== "Kustomization" && !text.includes("$patch"))
    .slice(0, 200);
  t.true(objects.length > 100);
  const names = objects.map(({ text }, index) => {
    const file = `${index}.yaml`;
    const manifest = { ...documents(text)[0] };
    const isAccount = manifest.kind === "ServiceAccount";
    // Each has a name of its own, but accounts, which have one name.
    const unique = text.replace(
      /((?:^|")metadata"?:\s*\{?\s*"?name"?:\s*"?)payment(-x)?/m,
      `$1payment-${index}`,
    );
    writeFileSync(join(root, file), isAccount ? "" : unique);
    return isAccount ? [] : [file];
  });
  writeFileSync(join(root, "kustomization.yaml"), listing(names.flat().join("\n  - ")));
  const rendered = documents(await kustomize.build(root));
  t.true(rendered.length > 100);
  for (const manifest of rendered) {
    const shape = kinds[manifest.kind as keyof typeof kinds];
    t.deepEqual(unnamed(manifest, shape, place), [], JSON.stringify(manifest));
  }
});

test("the fuzzer itself: a guard without a look at values or fields would be found", (t) => {
  t.deepEqual(unnamed({ kind: "Service", spec: { externalIPs: [] } }, kinds.Service, place), [
    "/spec/externalIPs",
  ]);
  t.deepEqual(unnamed({ spec: { type: "NodePort" } }, kinds.Service, place), ["/spec/type"]);
  t.deepEqual(unnamed({ spec: { type: "ClusterIP" } }, kinds.Service, place), []);
});
