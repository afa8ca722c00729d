import { basename } from "node:path";
import { parse } from "yaml";
import { images, type Repository } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

/** The pinned version of each tool. */
const versions = (repository: Repository): Record<string, string> =>
  Object.fromEntries(
    repository
      .read(".tool-versions")
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );

/** Major and minor of the Kustomize in a release of Argo CD, by hack/tool-versions.sh of its source. */
const bundled: Record<string, string> = { "v3.6.1": "5.8" };

export const files: Record<string, Rule> = {
  "every manifest file is listed by a kustomization": (repository) => {
    const listed = new Set(
      repository.kustomizations.flatMap((kustomization) => repository.named(kustomization)),
    );
    const kind = "clusters/local/kind.yaml"; // read by kind, not by a cluster
    return repository.files
      .filter((file) => /\.ya?ml$/.test(file) && basename(file) !== "kustomization.yaml")
      .filter((file) => file !== kind && !listed.has(file))
      .map((file) => `${file}: no kustomization lists it`);
  },

  "every folder is used: by another one, by an Application, or by a command": async (
    repository,
  ) => {
    const used = new Set(
      repository.kustomizations.flatMap((kustomization) => repository.named(kustomization)),
    );
    for (const environment of repository.environments) {
      for (const { spec } of await repository.applications(environment)) used.add(spec.source.path);
    }
    // make up and docs/delivery.md apply these.
    for (const name of ["argocd", "git", "metrics-server", ...repository.environments])
      used.add(`clusters/local/${name}`);
    used.add("clusters/without-argocd");
    used.add("apps/antaeus/components/published-original");
    used.add("apps/payment/components/keyless-caller");
    return repository.kustomizations
      .filter(({ folder }) => !used.has(folder))
      .map(({ folder }) => `${folder}: nothing uses it`);
  },

  "the repository's URL is said in one place": (repository) =>
    same(
      "places",
      repository.files.filter((file) => repository.read(file).includes("bpesics/pe-gitops")),
      ["clusters/repository/kustomization.yaml"],
    ),

  "one version of each tool and of Argo CD everywhere": async (repository) => {
    const { nodejs, kubectl, kustomize } = versions(repository);
    const dockerfiles = repository.allFiles.filter((file) => basename(file) === "Dockerfile");
    const manifests = [
      ...(await repository.render("argocd")),
      ...(await repository.render("clusters/local/git")),
    ];
    const argocd = images(manifests).filter((image) => image.includes("argoproj/argocd"));
    const tags = [...new Set(argocd.map((image) => image.split(":")[1] ?? ""))];
    return [
      ...(await each(dockerfiles, (file) =>
        check(
          repository.read(file).includes(`FROM node:${nodejs}-bookworm`),
          `${file}: not Node ${nodejs}`,
        ),
      )),
      ...check(
        repository.read("clusters/local/kind.yaml").includes(`kindest/node:v${kubectl}`),
        `kind.yaml: not Kubernetes ${kubectl}`,
      ),
      ...same("versions of Argo CD", tags.length, 1),
      ...same(
        `the Kustomize that renders here, beside Argo CD ${tags}`,
        kustomize?.replace(/\.\d+$/, ""),
        bundled[tags[0] ?? ""],
      ),
    ];
  },

  "the ports that kind opens are those of Services, each of one": async (repository) => {
    const [node] = parse(repository.read("clusters/local/kind.yaml")).nodes;
    const opened = node.extraPortMappings.map(
      ({ containerPort }: { containerPort: number }) => containerPort,
    );
    return each(repository.environments, async (environment) => {
      const folders = repository.services.map(
        (service) => `apps/${service}/overlays/${environment}`,
      );
      const manifests = await Promise.all(
        ["clusters/local/argocd", ...folders].map((folder) => repository.render(folder)),
      );
      const nodePorts = manifests
        .flat()
        .filter(({ kind, spec }) => kind === "Service" && spec.type === "NodePort")
        .flatMap(({ spec }) =>
          spec.ports.flatMap(({ nodePort }: { nodePort?: number }) => nodePort ?? []),
        );
      return same(`${environment}: ports`, nodePorts.sort(), opened.toSorted());
    });
  },
};
