import { dirname } from "node:path";
import { matches, owners, rules } from "../../tools/repository/codeowners.ts";
import type { Repository } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

const rulesOf = (repository: Repository) => rules(repository.read(".github/CODEOWNERS"));

export const codeowners: Record<string, Rule> = {
  "a service belongs to its team alone, and so does what it is on Kubernetes": (repository) =>
    each(repository.services, (service) =>
      each(
        [
          `${service}-service/package.json`,
          `${service}-service/src/main.ts`,
          `${service}-service/Dockerfile`,
          `apps/${service}/base/deployment.yaml`,
          ...repository.environments.map(
            (environment) => `apps/${service}/overlays/${environment}/kustomization.yaml`,
          ),
          `apps/${service}/a-new-folder/file.yaml`,
        ],
        (file) => same(file, owners(rulesOf(repository), file), [`@bpesics/${service}`]),
      ),
    ),

  "what makes an administrator of the cluster belongs to the platform team alone": (repository) => {
    const roots = /^(clusters|argocd|\.github|packages|tests|tools|\.ci)\//;
    const theirs = [
      ...repository.allFiles.filter((file) => roots.test(file)),
      ".github/CODEOWNERS",
      ".github/workflows/test.yaml",
      "Makefile",
      "README.md",
      "package.json",
      "package-lock.json",
      "compose.yaml",
      "clusters/testing/apps/a-new-application.yaml",
      "clusters/payment-service/file.yaml",
      "apps/a-new-service/base/deployment.yaml",
      "apps/kustomization.yaml",
      "payment-service.yaml",
      "a-new-file",
    ];
    return each(theirs, (file) =>
      same(file, owners(rulesOf(repository), file), ["@bpesics/platform"]),
    );
  },

  "each folder of the repository has one owner, and each line of CODEOWNERS a file": async (
    repository,
  ) => [
    ...(await each(new Set(repository.allFiles.map(dirname)), (folder) =>
      same(folder, owners(rulesOf(repository), `${folder}/file`.replace(/^\.\//, "")).length, 1),
    )),
    ...(await each(rulesOf(repository), ({ pattern }) =>
      check(
        repository.allFiles.some((file) => matches(pattern, file)),
        `${pattern}: there is no such file`,
      ),
    )),
  ],

  "the default of CODEOWNERS comes first: after the others it would win over them": (repository) =>
    same("the first pattern", rulesOf(repository)[0]?.pattern, "*"),
};
