import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import test from "ava";
import { parse, parseAllDocuments } from "yaml";
import { findKustomize, mirrors } from "../scripts/lib/kustomize.ts";

/** Where manifests live. */
const roots = ["apps", "argocd", "clusters"];

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

interface Kustomization {
  kind?: "Kustomization" | "Component";
  [field: string]: unknown;
}

const files = roots.flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((file) => join(root, file))
    .filter((file) => file.endsWith(".yaml")),
);
const kustomizations = new Map<string, Kustomization>(
  files
    .filter((file) => basename(file) === "kustomization.yaml")
    .map((file) => [dirname(file), parse(readFileSync(file, "utf8"))]),
);
const entryPoints = [...kustomizations]
  .filter(([, { kind }]) => kind !== "Component")
  .map(([folder]) => folder);

const kustomize = await findKustomize();
console.log(`▸ Rendering with ${kustomize.name}`);
