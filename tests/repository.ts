import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { findKustomize } from "../scripts/lib/kustomize.ts";
import type { Manifest } from "./schemas.ts";

/** The folders that hold manifests, and every file in them. */
export const files = ["apps", "argocd", "clusters"]
  .flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" }).map((file) => join(root, file)),
  )
  .filter((file) => statSync(file).isFile());

export const read = (file: string): string => readFileSync(file, "utf8");

interface Kustomization {
  folder: string;
  kind: "Kustomization" | "Component";
  // biome-ignore lint/suspicious/noExplicitAny: many forms, and only paths matter here
  [field: string]: any;
}

export const kustomizations: Kustomization[] = files
  .filter((file) => basename(file) === "kustomization.yaml")
  .map((file) => ({ ...parse(read(file)), folder: dirname(file) }));

/** The folders that Kustomize can build by themselves. */
export const entryPoints = kustomizations
  .filter(({ kind }) => kind !== "Component")
  .map(({ folder }) => folder);

/** Every file or folder that a kustomization names. */
export function named({ folder, ...kustomization }: Kustomization): string[] {
  const strings = (value: unknown): string[] => {
    if (typeof value === "string") return [value];
    return value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];
  };
  return strings(kustomization)
    .filter((value) => !value.includes("\n"))
    .map((value) => join(folder, value))
    .filter((path) => existsSync(path));
}

export const kustomize = await findKustomize();

const rendered = new Map<string, Promise<Manifest[]>>();

/** @returns what Kustomize makes of a folder */
export function render(folder: string): Promise<Manifest[]> {
  const manifests = rendered.get(folder) ?? kustomize.build(folder).then(documents);
  rendered.set(folder, manifests);
  return manifests;
}

const documents = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).flatMap((document) => document.toJS() ?? []);

/** @returns what Kustomize makes of a folder with a component added to it */
export async function renderWith(component: string, folder: string): Promise<Manifest[]> {
  const overlay = mkdtempSync("node_modules/.cache-overlay-");
  try {
    const kustomization = {
      resources: [relative(overlay, folder)],
      components: [relative(overlay, component)],
    };
    writeFileSync(join(overlay, "kustomization.yaml"), JSON.stringify(kustomization));
    return await render(overlay);
  } finally {
    rmSync(overlay, { recursive: true });
  }
}

/** Every pod that a manifest makes. */
export function podSpecs(manifests: Manifest[]) {
  return manifests.flatMap(({ kind, metadata, spec }) =>
    spec?.template?.spec?.containers
      ? [{ kind, name: metadata.name, spec: spec.template.spec }]
      : [],
  );
}

export const images = (manifests: Manifest[]): string[] =>
  podSpecs(manifests).flatMap(({ spec }) =>
    [...spec.containers, ...(spec.initContainers ?? [])].map(({ image }) => image),
  );

/** Whether an image is one and the same tomorrow: a digest, or a tag that is a version. */
export const isPinned = (image: string): boolean =>
  /@sha256:[0-9a-f]{64}$/.test(image) || /:v?\d+\.\d+\.\d+[\w.-]*$/.test(image);
