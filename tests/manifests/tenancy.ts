import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { documents, type Manifest } from "../../tools/render/manifests.ts";
import type { Repository } from "../support/repository.ts";

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
const forbidden = [
  ...["generators", "transformers", "validators", "helmCharts", "helmGlobals", "crds"],
  "bases", // resources, by a name of before
];

/** Kustomize fetches what looks so, wherever a kustomization names a file or a folder. */
const isRemote = (name: string) => /:\/\/|^git@|^github\.com[/:]|\?(.*&)?ref=/.test(name);

/** Every string in a kustomization that can be the name of a file or a folder. */
function names(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value ?? {}).flatMap(([field, inner]) =>
    ["literals", "patch"].includes(field) ? [] : names(inner),
  );
}

/**
 * Ways beyond its own service that a change can open and that no schema knows of.
 * @returns each offence in a sentence; none is as it should be
 */
export async function offences(repository: Repository): Promise<string[]> {
  const found = await Promise.all([
    ...repository.services.map((team) => ofTeam(repository, team)),
    ofApplications(repository),
    ofProjects(repository),
  ]);
  return found.flat();
}

/** A team's folder builds from itself alone, and deploys kinds that a team may, in its own namespace. */
async function ofTeam(repository: Repository, team: string): Promise<string[]> {
  const folder = `apps/${team}`;
  const found: string[] = [];
  const files = repository.files.filter((file) => file.startsWith(`${folder}/`));
  for (const file of files.filter((path) => /^kustomization(\.ya?ml)?$/i.test(basename(path)))) {
    // Kustomize knows other names for it, which nothing else here would look at.
    if (basename(file) !== "kustomization.yaml") found.push(`${file}: is no kustomization.yaml`);
    const kustomization = parse(repository.read(file));
    for (const field of forbidden.filter((name) => name in kustomization)) {
      found.push(`${file}: ${field} are not for a team`);
    }
    for (const name of names(kustomization).filter(isRemote)) {
      found.push(`${file}: ${name} is not in ${folder}`);
    }
    const { resources = [], components = [] } = kustomization;
    for (const path of [...resources, ...components] as string[]) {
      const target = join(dirname(file), path);
      const inside =
        !relative(folder, target).startsWith("..") && existsSync(join(repository.root, target));
      if (!inside && !isRemote(path)) found.push(`${file}: ${path} is not in ${folder}`);
    }
  }
  if (found.length > 0) return found; // What reaches outside is not even rendered.

  for (const overlay of repository.overlays.filter((path) => path.startsWith(`${folder}/`))) {
    for (const { kind, metadata, spec } of await repository.render(overlay)) {
      const what = `${folder}: ${kind} ${metadata.name}`;
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
async function ofApplications(repository: Repository): Promise<string[]> {
  const found: string[] = [];
  for (const environment of repository.environments) {
    for (const folder of [`clusters/${environment}`, `clusters/${environment}/apps`]) {
      for (const manifest of await repository.render(folder)) {
        if (manifest.kind !== "Application") continue;
        const { name } = manifest.metadata;
        const ofPlatform: Record<string, Expected> = folder.endsWith("/apps")
          ? { argocd: ["argocd", `clusters/${environment}/argocd`, "argocd"] }
          : { root: ["platform", `clusters/${environment}/apps`, "argocd"] };
        if (!ofPlatform[name] && !repository.services.includes(name))
          found.push(`${folder}: ${name} is no team's application`);
        const should: Expected = ofPlatform[name] ?? [
          name,
          `apps/${name}/overlays/${environment}`,
          `app-${name}`,
        ];
        found.push(...ofApplication(manifest, should).map((what) => `${folder}: ${name} ${what}`));
      }
    }
  }
  return found;
}

/** What an Application is to be of, read and deploy to. */
type Expected = [project: string, path: string, namespace: string];

/** What an Application may say besides; the rest of its spec is compared with what it should be. */
const known = [
  ...["apiVersion", "kind", "metadata", "spec"],
  ...["spec.project", "spec.source", "spec.destination", "spec.syncPolicy"],
  "spec.ignoreDifferences",
  ...["spec.source.repoURL", "spec.source.targetRevision", "spec.source.path"],
];

function ofApplication(manifest: Manifest, [project, path, namespace]: Expected): string[] {
  const { spec } = manifest;
  const found: string[] = [];
  if (spec.project !== project) found.push(`is of the project ${spec.project}`);
  if (spec.source?.path !== path) found.push(`reads ${spec.source?.path}`);
  if (spec.source?.targetRevision !== "main") found.push(`reads ${spec.source?.targetRevision}`);
  if (spec.destination.namespace !== namespace)
    found.push(`deploys to ${spec.destination.namespace}`);
  const options = spec.syncPolicy.syncOptions.join();
  const ofRoot = "FailOnSharedResource=true,RespectIgnoreDifferences=true";
  if (options !== (project === "platform" ? ofRoot : "FailOnSharedResource=true"))
    found.push("has sync options");
  const fields = [
    ...Object.keys(manifest),
    ...Object.keys(spec).map((field) => `spec.${field}`),
    ...Object.keys(spec.source ?? {}).map((field) => `spec.source.${field}`),
  ];
  for (const field of fields.filter((one) => !known.includes(one)))
    found.push(`has the field ${field}`);
  return found;
}

/** Each line of a project's policies is one that Argo CD reads: one that it does not drops the whole role. */
function ofProjects(repository: Repository): string[] {
  const found: string[] = [];
  for (const file of repository.files.filter((path) => path.startsWith("argocd/projects/"))) {
    for (const { kind, metadata, spec } of documents(repository.read(file))) {
      if (kind !== "AppProject") continue;
      for (const { name, policies } of spec.roles ?? []) {
        const subject = `proj:${metadata.name}:${name}`;
        const line = new RegExp(
          `^p, ${subject}, (applications|logs), [a-zA-Z/*]+, ${metadata.name}/\\*, (allow|deny)$`,
        );
        for (const policy of policies) {
          if (!line.test(policy)) found.push(`${file}: not a policy: ${policy}`);
        }
      }
    }
  }
  return found;
}

/** What has to know a service: files of its own, and lists that name it. */
const places = (service: string, environments: string[]): [file: string, entry: string][] => [
  [".github/CODEOWNERS", `/apps/${service}/`],
  [".github/CODEOWNERS", `/${service}-service/`],
  [`${service}-service/Dockerfile`, ""],
  [`${service}-service/package-lock.json`, `"name": "${service}-service"`],
  [`argocd/projects/${service}.yaml`, `name: ${service}`],
  ["argocd/projects/kustomization.yaml", `- ${service}.yaml`],
  ["argocd/deployers/teams.yaml", `name: ${service}`],
  ["argocd/deployers/impersonation.yaml", service],
  [`clusters/base/namespaces/app-${service}/deployer.yaml`, `name: ${service}`],
  ["clusters/base/namespaces/kustomization.yaml", `- app-${service}`],
  ["clusters/without-argocd/kustomization.yaml", `- ../../apps/${service}/overlays/testing`],
  ["clusters/local/argocd/logins.yaml", `accounts.local-${service}: login`],
  ["clusters/local/argocd/logins.yaml", `g, local-${service}, proj:${service}:team`],
  ...environments.flatMap((environment): [string, string][] => [
    [`apps/${service}/overlays/${environment}/kustomization.yaml`, "images:"],
    [`clusters/${environment}/apps/${service}.yaml`, `name: ${service}`],
    [`clusters/${environment}/apps/kustomization.yaml`, `- ${service}.yaml`],
  ]),
];

/**
 * Places that have to know a service or an environment, and do not.
 * @returns each omission in a sentence; none is as it should be
 */
export function omissions({ root, services, environments }: Repository): string[] {
  const lists = services.flatMap((name) => places(name, environments));
  const local = environments.map((name): [string, string] => [
    `clusters/local/${name}/kustomization.yaml`,
    `- ../../${name}`,
  ]);
  return [...lists, ...local].flatMap(([file, entry]) => {
    if (!existsSync(join(root, file))) return [`there is no ${file}`];
    // As a whole: `mail` is not in a list that has `invoices-mail`.
    const whole = new RegExp(`(?<![\\w-])${RegExp.escape(entry)}(?![\\w-])`);
    return whole.test(readFileSync(join(root, file), "utf8")) ? [] : [`${file} has no ${entry}`];
  });
}
