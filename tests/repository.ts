import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { findKustomize } from "../scripts/lib/kustomize.ts";
import { documents, type Manifest } from "../scripts/lib/manifests.ts";

/** The folders that hold manifests. */
const roots = ["apps", "argocd", "clusters"];

/** The services, by the folder that deploys each. */
export const services: string[] = readdirSync("apps").sort();

export const files = roots
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

/**
 * @param component a folder, to be listed in the folder's kustomization as the README says
 * @returns what Kustomize then makes of the folder
 */
export async function renderWith(component: string, folder: string): Promise<Manifest[]> {
  const copy = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
  try {
    for (const root of roots) cpSync(root, join(copy, root), { recursive: true });
    const file = join(copy, folder, "kustomization.yaml");
    const kustomization = parse(read(file));
    const components = [...(kustomization.components ?? []), relative(folder, component)];
    writeFileSync(file, stringify({ ...kustomization, components }));
    return await render(join(copy, folder));
  } finally {
    rmSync(copy, { recursive: true });
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
