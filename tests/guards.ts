import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { kustomize } from "./repository.ts";
import type { Manifest } from "./schemas.ts";

/**
 * What a team may deploy. A project lists more kinds, for the UI's tree; those the deployer may not make.
 */
const kinds = [
  "ConfigMap",
  "Deployment",
  "HorizontalPodAutoscaler",
  "PersistentVolumeClaim",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

/** What of Kustomize runs other programs, or reads what nobody here reviewed. */
const forbidden = ["generators", "transformers", "validators", "helmCharts", "helmGlobals", "crds"];

const yamlFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => join(folder, file));

const documents = (yaml: string): Manifest[] =>
  parseAllDocuments(yaml).flatMap((document) => document.toJS() ?? []);

/**
 * Ways beyond its own service that a change can open and that no schema knows of.
 * @param root a working copy, or a part of one with apps/, argocd/ and clusters/
 * @returns each offence in a sentence; none is as it should be
 */
export async function offences(root = "."): Promise<string[]> {
  const teams = readdirSync(join(root, "apps"));
  const found = await Promise.all([
    ...teams.map((team) => ofTeam(root, team)),
    ofApplications(root, teams),
    ofProjects(root),
  ]);
  return found.flat();
}

/** A team's folder builds from itself alone, and deploys kinds that a team may, in its own namespace. */
async function ofTeam(root: string, team: string): Promise<string[]> {
  const folder = join(root, "apps", team);
  const found: string[] = [];
  for (const file of yamlFiles(folder).filter((path) => basename(path) === "kustomization.yaml")) {
    const where = relative(root, file);
    const kustomization = parse(readFileSync(file, "utf8"));
    for (const field of forbidden.filter((name) => name in kustomization)) {
      found.push(`${where}: ${field} are not for a team`);
    }
    const { resources = [], components = [] } = kustomization;
    for (const path of [...resources, ...components] as string[]) {
      const target = join(dirname(file), path);
      const inside = !relative(folder, target).startsWith("..") && existsSync(target);
      if (!inside) found.push(`${where}: ${path} is not in apps/${team}`);
    }
  }
  if (found.length > 0) return found; // What reaches outside is not even rendered.

  const overlays = readdirSync(join(folder, "overlays"));
  for (const overlay of overlays.map((name) => join(folder, "overlays", name))) {
    for (const { kind, metadata, spec } of documents(await kustomize.build(overlay))) {
      const what = `apps/${team}: ${kind} ${metadata.name}`;
      if (!kinds.includes(kind)) found.push(`${what}: a team may not deploy this kind`);
      if (metadata.namespace !== `app-${team}`) found.push(`${what}: is not in app-${team}`);
      if (spec?.externalName) found.push(`${what}: points out of its namespace`);
      if (kind === "Service" && spec.type === "NodePort" && team !== "antaeus") {
        found.push(`${what}: opens a port on every node`);
      }
      for (const volume of spec?.template?.spec?.volumes ?? []) {
        if (volume.hostPath) found.push(`${what}: mounts ${volume.hostPath.path} of the node`);
      }
    }
  }
  return found;
}

/** Each Application is of its own project, reads its own folder at main, and is nothing but an Application. */
function ofApplications(root: string, teams: string[]): string[] {
  const found: string[] = [];
  for (const cluster of readdirSync(join(root, "clusters"))) {
    const folder = join(root, "clusters", cluster, "apps");
    if (!existsSync(folder)) continue;
    for (const file of yamlFiles(folder)) {
      for (const { kind, metadata, spec, ...rest } of documents(readFileSync(file, "utf8"))) {
        if (kind !== "Application") continue;
        const { name } = metadata;
        const offence = (what: string) => found.push(`${relative(root, file)}: ${what}`);
        const team = basename(file, ".yaml");
        if (name !== team || !teams.includes(name)) offence(`${name} is no team's application`);
        if (spec.project !== name) offence(`the project of ${name} is ${spec.project}`);
        if (spec.source.path !== `apps/${name}/overlays/${cluster}`)
          offence(`reads ${spec.source.path}`);
        if (spec.source.targetRevision !== "main") offence(`reads ${spec.source.targetRevision}`);
        if (spec.source.repoURL) offence("says where the repository lives");
        if (spec.destination.namespace !== `app-${name}`)
          offence(`deploys to ${spec.destination.namespace}`);
        if (spec.syncPolicy.syncOptions.join() !== "FailOnSharedResource=true")
          offence("has sync options");
        for (const field of ["operation", "status"])
          if (field in rest) offence(`has the field ${field}`);
      }
    }
  }
  return found;
}

/** Each line of a project's policies is one that Argo CD reads: one that it does not drops the whole role. */
function ofProjects(root: string): string[] {
  const found: string[] = [];
  for (const file of yamlFiles(join(root, "argocd/projects"))) {
    for (const { kind, metadata, spec } of documents(readFileSync(file, "utf8"))) {
      if (kind !== "AppProject") continue;
      for (const { name, policies } of spec.roles ?? []) {
        const subject = `proj:${metadata.name}:${name}`;
        const line = new RegExp(
          `^p, ${subject}, (applications|logs), [a-zA-Z/*]+, ${metadata.name}/\\*, (allow|deny)$`,
        );
        for (const policy of policies) {
          if (!line.test(policy)) found.push(`${relative(root, file)}: not a policy: ${policy}`);
        }
      }
    }
  }
  return found;
}
