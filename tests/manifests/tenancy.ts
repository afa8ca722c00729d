import { existsSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parse } from "yaml";
import { documents, type Manifest } from "../../tools/render/manifests.ts";
import type { Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";
import { ofApplication, ofFolder, ofPolicy } from "./tenancy.mutations.ts";

/** What a team may deploy. A project lists more kinds, for the UI's tree: its deployer may not make those. */
const kinds = [
  "ConfigMap",
  "Deployment",
  "HorizontalPodAutoscaler",
  "PersistentVolumeClaim",
  "PodDisruptionBudget",
  "Service",
  "ServiceAccount",
];

/** The fields by which Kustomize runs other programs, or reads what nobody reviewed here. */
const forbidden = [
  ...["generators", "transformers", "validators", "helmCharts", "helmGlobals", "crds"],
  "bases", // the old name of resources
];

/** Kustomize fetches such a name, wherever a kustomization names a file or a folder. */
const isRemote = (name: string) => /:\/\/|^git@|^github\.com[/:]|\?(.*&)?ref=/.test(name);

/** Every string in a kustomization that can be the name of a file or a folder. */
function names(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value ?? {}).flatMap(([field, inner]) =>
    ["literals", "patch"].includes(field) ? [] : names(inner),
  );
}

/** What a team's kustomizations read that is not in the team's folder. */
function outside(repository: Repository, folder: string): string[] {
  const files = repository.files.filter(
    (file) => file.startsWith(`${folder}/`) && /^kustomization(\.ya?ml)?$/i.test(basename(file)),
  );
  return files.flatMap((file) => {
    const kustomization = parse(repository.read(file));
    const { resources = [], components = [] } = kustomization;
    const isInside = (path: string) => {
      const target = join(dirname(file), path);
      return (
        !relative(folder, target).startsWith("..") && existsSync(join(repository.root, target))
      );
    };
    return [
      // Kustomize knows other names for it, which no other rule looks at.
      ...unless(basename(file) === "kustomization.yaml", `${file}: is no kustomization.yaml`),
      ...forbidden
        .filter((field) => field in kustomization)
        .map((field) => `${file}: ${field} are not for a team`),
      ...[
        ...names(kustomization).filter(isRemote),
        ...[...resources, ...components].filter((path) => !isRemote(path) && !isInside(path)),
      ].map((path) => `${file}: ${path} is not in ${folder}`),
    ];
  });
}

/** What a team's manifests may not be. */
const unfit = (team: string, { kind, metadata, spec }: Manifest): string[] => [
  ...unless(kinds.includes(kind), "a team may not deploy this kind"),
  ...unless(metadata.namespace === `app-${team}`, `is not in app-${team}`),
  ...unless(!spec?.externalName, "points out of its namespace"),
  ...unless(
    kind !== "Service" || spec.type !== "NodePort" || team === "antaeus",
    "opens a port on every node",
  ),
  ...(spec?.template?.spec?.volumes ?? []).flatMap(({ hostPath }: Manifest) =>
    unless(!hostPath, `mounts ${hostPath?.path} of the node`),
  ),
];

/** What an Application may say besides. The rest of its spec is compared with what it should be. */
const known = [
  ...["apiVersion", "kind", "metadata", "spec"],
  ...["spec.project", "spec.source", "spec.destination", "spec.syncPolicy"],
  "spec.ignoreDifferences",
  ...["spec.source.repoURL", "spec.source.targetRevision", "spec.source.path"],
];

/** The project of an Application, the path that it reads, and the namespace that it deploys to. */
type Expected = [project: string, path: string, namespace: string];

/** What the platform's Applications should be, by their names. */
const ofPlatform = (environment: string): Record<string, Expected> => ({
  argocd: ["argocd", `clusters/${environment}/argocd`, "argocd"],
  root: ["platform", `clusters/${environment}/apps`, "argocd"],
});

/** Where an Application is not what it should be. */
function deviations(manifest: Manifest, [project, path, namespace]: Expected): string[] {
  const { source, destination, syncPolicy, ...spec } = manifest.spec;
  const ofRoot = project === "platform" ? ["RespectIgnoreDifferences=true"] : [];
  const fields = [
    ...Object.keys(manifest),
    ...Object.keys(manifest.spec).map((field) => `spec.${field}`),
    ...Object.keys(source ?? {}).map((field) => `spec.source.${field}`),
  ];
  return [
    ...unless(spec.project === project, `is of the project ${spec.project}`),
    ...unless(source?.path === path, `reads ${source?.path}`),
    ...unless(source?.targetRevision === "main", `reads ${source?.targetRevision}`),
    ...unless(destination.namespace === namespace, `deploys to ${destination.namespace}`),
    ...same("has sync options", syncPolicy.syncOptions, ["FailOnSharedResource=true", ...ofRoot]),
    ...fields.filter((field) => !known.includes(field)).map((field) => `has the field ${field}`),
  ];
}

/** What keeps a team within its own service, as far as no schema knows of it. */
export const tenancy: Rule[] = [
  {
    title:
      "A team's folder builds from itself alone, and deploys the team's kinds to its namespace",
    check: (repository) =>
      each(repository.services, async (team) => {
        const folder = `apps/${team}`;
        const found = outside(repository, folder);
        if (found.length > 0) return found; // What reaches outside is not even rendered.
        const overlays = repository.overlays.filter((path) => path.startsWith(`${folder}/`));
        return each(overlays, async (overlay) =>
          (await repository.render(overlay)).flatMap((one) =>
            unfit(team, one).map((what) => `${folder}: ${one.kind} ${one.metadata.name}: ${what}`),
          ),
        );
      }),
    mutations: ofFolder,
  },
  {
    title:
      "Each Application has its own project, reads its own folder at main, and deploys to its own namespace",
    check: (repository) =>
      each(repository.environments, (environment) =>
        each([`clusters/${environment}`, `clusters/${environment}/apps`], async (folder) =>
          (await repository.render(folder))
            .filter(({ kind }) => kind === "Application")
            .flatMap((one) => {
              const { name } = one.metadata;
              const platform = ofPlatform(environment)[name];
              const ofTeam: Expected = [
                name,
                `apps/${name}/overlays/${environment}`,
                `app-${name}`,
              ];
              return [
                ...unless(
                  platform || repository.services.includes(name),
                  "is no team's application",
                ),
                ...deviations(one, platform ?? ofTeam),
              ].map((what) => `${folder}: ${name} ${what}`);
            }),
        ),
      ),
    mutations: ofApplication,
  },
  {
    // Argo CD drops a whole role for one line that it cannot read.
    title: "Each policy of a project is about its own objects, in the form that Argo CD reads",
    check: (repository) => {
      const files = repository.files.filter((path) => path.startsWith("argocd/projects/"));
      return each(files, (file) =>
        documents(repository.read(file))
          .filter(({ kind }) => kind === "AppProject")
          .flatMap(({ metadata: { name: project }, spec }) =>
            (spec.roles ?? []).flatMap((role: { name: string; policies: string[] }) => {
              const line = new RegExp(
                `^p, proj:${project}:${role.name}, (applications|logs), [a-zA-Z/*]+, ${project}/\\*, (allow|deny)$`,
              );
              return role.policies
                .filter((policy) => !line.test(policy))
                .map((policy) => `${file}: not a policy: ${policy}`);
            }),
          ),
      );
    },
    mutations: ofPolicy,
  },
];
