import { documents, type Manifest } from "../../tools/render/manifests.ts";
import { each, type Rule, same, unless } from "./rule.ts";
import { ofApplication, ofNamespace, ofPolicy } from "./tenancy.mutations.ts";

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
  monitoring: ["monitoring", `clusters/${environment}/monitoring`, "monitoring"],
  rollouts: ["rollouts", `clusters/${environment}/rollouts`, "rollouts"],
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
    title: "A team's folder deploys to the team's namespace",
    check: (repository) =>
      each(repository.overlays, async (overlay) => {
        const [, team] = overlay.split("/");
        return each(await repository.render(overlay), ({ kind, metadata: { name, namespace } }) =>
          unless(namespace === `app-${team}`, `${overlay}: ${kind} ${name}: is in ${namespace}`),
        );
      }),
    mutations: ofNamespace,
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
                `^p, proj:${project}:${role.name}, (applications|logs), [a-zA-Z./*-]+, ${project}/\\*, (allow|deny)$`,
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
