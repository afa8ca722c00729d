import { dirname } from "node:path";
import { matches, owners, rules } from "../../tools/repository/codeowners.ts";
import { here, type Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const path = ".github/CODEOWNERS";

const rulesOf = (repository: Repository) => rules(repository.read(path));

export const codeowners: Rule[] = [
  {
    title: "A service's source and manifests are owned by its team alone",
    check: (repository) =>
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
          (file) =>
            same(file, owners(rulesOf(repository), file), [`@${repository.owner}/${service}`]),
        ),
      ),
    mutations: [
      {
        what: "a service given to another team",
        file: path,
        from: `/payment-service/   @${here.owner}/payment`,
        to: `/payment-service/   @${here.owner}/antaeus`,
        says: /payment-service\/package.json: \["@[\w-]+\/antaeus"\]/,
      },
    ],
  },
  {
    title: "Whatever can administer the cluster is owned by the platform team alone",
    check: (repository) => {
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
        same(file, owners(rulesOf(repository), file), [`@${repository.owner}/platform`]),
      );
    },
    mutations: [
      {
        what: "clusters/ given to all teams",
        file: path,
        from: `/antaeus-service/   @${here.owner}/antaeus\n`,
        to: `/antaeus-service/   @${here.owner}/antaeus\n/clusters/   @${here.owner}/antaeus @${here.owner}/payment\n`,
        says: /clusters\/testing\/apps\/root.yaml: \["@[\w-]+\/antaeus","@[\w-]+\/payment"\]/,
      },
    ],
  },
  {
    title: "Each folder has one owner, and each pattern of CODEOWNERS matches a file",
    check: async (repository) => [
      ...(await each(new Set(repository.allFiles.map(dirname)), (folder) =>
        same(folder, owners(rulesOf(repository), `${folder}/file`.replace(/^\.\//, "")).length, 1),
      )),
      ...(await each(rulesOf(repository), ({ pattern }) =>
        unless(
          repository.allFiles.some((file) => matches(pattern, file)),
          `${pattern}: there is no such file`,
        ),
      )),
    ],
    mutations: [
      {
        what: "a misspelt folder in CODEOWNERS",
        file: path,
        from: "/apps/antaeus/ ",
        to: "/apps/antaues/ ",
        says: /\/apps\/antaues\/: there is no such file/,
      },
    ],
  },
  {
    title: "The default of CODEOWNERS comes first, because the last match wins",
    check: (repository) => same("the first pattern", rulesOf(repository)[0]?.pattern, "*"),
    mutations: [
      {
        what: "a rule before the default",
        file: path,
        from: `*                   @${here.owner}/platform\n`,
        to: `/docs/   @${here.owner}/payment\n*                   @${here.owner}/platform\n`,
        says: /the first pattern: "\/docs\/"/,
      },
    ],
  },
];
