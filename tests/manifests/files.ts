import { basename } from "node:path";
import { parse } from "yaml";
import { here, images } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

/** Major and minor of the Kustomize in a release of Argo CD, by hack/tool-versions.sh of its source. */
const bundled: Record<string, string> = { "v3.6.1": "5.8" };

/** The repository's URL, of whatever owner, or its name with its owner, other than in that of an image. */
const url = (nameOnGitHub: string) => {
  const [owner = "", name = ""] = nameOnGitHub.split("/");
  const alone = `(?<!(?:ghcr(?:\\.|\\[\\.\\])io|localhost:5000)/)\\b${RegExp.escape(owner)}`;
  return new RegExp(`(github\\.com[/:][\\w.-]+|${alone})/${RegExp.escape(name)}`);
};

/** Of which repository the images are that a file names. */
const imagesIn = (text: string) =>
  [...text.matchAll(/(?:ghcr(?:\.|\[\.\])io|localhost:5000)\/([\w-]+(?:\/[\w-]+)?)/g)].map(
    ([, repository = ""]) => repository,
  );

/** Whose teams a file names. */
const ownersIn = (text: string) =>
  [...text.matchAll(/^\S+ +@([\w-]+)\//gm)].map(([, owner = ""]) => owner);

export const files: Rule[] = [
  {
    title: "Every manifest file is listed by a kustomization",
    check: (repository) => {
      const listed = new Set(
        repository.kustomizations.flatMap((kustomization) => repository.named(kustomization)),
      );
      const kind = "clusters/local/kind.yaml"; // read by kind, not by a cluster
      return repository.files
        .filter((file) => /\.ya?ml$/.test(file) && basename(file) !== "kustomization.yaml")
        .filter((file) => file !== kind && !listed.has(file))
        .map((file) => `${file}: no kustomization lists it`);
    },
    mutations: [
      {
        what: "a manifest that nothing lists",
        file: "apps/payment/base/budget.yaml",
        content: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: payment\n",
        says: /apps\/payment\/base\/budget.yaml: no kustomization lists it/,
      },
      {
        what: "network policies that are no longer listed",
        file: "clusters/base/namespaces/app-payment/kustomization.yaml",
        from: "  - network-policies.yaml\n",
        to: "",
        says: /network-policies.yaml: no kustomization lists it/,
      },
    ],
  },
  {
    title: "Every kustomization is used by another one, by an Application or by a command",
    check: async (repository) => {
      const used = new Set(
        repository.kustomizations.flatMap((kustomization) => repository.named(kustomization)),
      );
      for (const environment of repository.environments) {
        for (const { spec } of await repository.applications(environment))
          used.add(spec.source.path);
      }
      // make up and docs/delivery.md apply these.
      for (const name of [
        ...["argocd", "backup-volume", "git", "metrics-server"],
        ...repository.environments,
      ])
        used.add(`clusters/local/${name}`);
      used.add("clusters/without-argocd");
      used.add("apps/antaeus/components/published-original");
      used.add("apps/payment/components/keyless-caller");
      return repository.kustomizations
        .filter(({ folder }) => !used.has(folder))
        .map(({ folder }) => `${folder}: nothing uses it`);
    },
    mutations: [
      {
        what: "a folder that is no longer listed",
        file: "clusters/base/namespaces/kustomization.yaml",
        from: "  - app-payment\n",
        to: "",
        says: /clusters\/base\/namespaces\/app-payment: nothing uses it/,
      },
    ],
  },
  {
    title: "The repository's URL stands in one file",
    check: (repository) =>
      same(
        "places",
        repository.files.filter((file) => url(repository.nameOnGitHub).test(repository.read(file))),
        ["clusters/repository/kustomization.yaml"],
      ),
    mutations: [
      {
        what: "the URL in an Application",
        file: "clusters/testing/apps/payment.yaml",
        from: "  source:\n",
        to: `  source:\n    repoURL: https://github.com/${here.nameOnGitHub}.git\n`,
        says: /clusters\/testing\/apps\/payment.yaml/,
      },
    ],
  },
  {
    title:
      "CODEOWNERS, Renovate, the manifests and the policy of images name the repository and the owner that clusters/repository names",
    check: (repository) =>
      each(
        repository.allFiles.filter((file) => /^(\.github|apps|argocd|clusters)\//.test(file)),
        (file) => {
          const { owner, nameOnGitHub } = repository;
          const text = repository.read(file);
          const others = (named: string[], ours: string) =>
            [...new Set(named)]
              .filter((one) => one.toLowerCase() !== ours.toLowerCase())
              .map((one) => `${file} names ${one}, and clusters/repository ${ours}`);
          return [...others(imagesIn(text), nameOnGitHub), ...others(ownersIn(text), owner)];
        },
      ),
    mutations: [
      {
        what: "a fork that changes the URL alone",
        file: "clusters/repository/kustomization.yaml",
        from: `value: https://github.com/${here.owner}/`,
        to: "value: https://github.com/somebody/",
        says: /^\.github\/CODEOWNERS names [\w-]+, and clusters\/repository somebody$/m,
      },
      {
        what: "a team of another owner",
        file: ".github/CODEOWNERS",
        from: `/apps/payment/      @${here.owner}/`,
        to: "/apps/payment/      @somebody/",
        says: /CODEOWNERS names somebody/,
      },
      {
        what: "an overlay with another owner's image",
        file: "apps/payment/overlays/testing/kustomization.yaml",
        from: `${here.registry}/`,
        to: "ghcr.io/somebody/",
        says: /apps\/payment\/overlays\/testing\/kustomization.yaml names somebody/,
      },
      {
        what: "Renovate ignoring the images of another owner",
        file: ".github/renovate.json",
        from: `${here.registry}/`,
        to: "ghcr.io/somebody/",
        says: /renovate.json names somebody/,
      },
      {
        what: "a policy that admits another owner's images",
        file: "clusters/base/policies/images.yaml",
        from: `${here.registry.replace(".", "[.]")}/`,
        to: "ghcr[.]io/somebody/",
        says: /images.yaml names somebody/,
      },
    ],
  },

  {
    title: "Each tool and Argo CD have one version everywhere",
    check: async (repository) => {
      const { nodejs, kubectl, kustomize, promtool } = Object.fromEntries(repository.tools);
      const dockerfiles = repository.allFiles.filter((file) => basename(file) === "Dockerfile");
      const manifests = [
        ...(await repository.render("argocd")),
        ...(await repository.render("clusters/local/git")),
      ];
      const argocd = images(manifests).filter((image) => image.includes("argoproj/argocd"));
      const tags = [...new Set(argocd.map((image) => image.split(":")[1] ?? ""))];
      return [
        ...(await each(dockerfiles, (file) =>
          unless(
            repository.read(file).includes(`FROM node:${nodejs}-bookworm`),
            `${file}: not Node ${nodejs}`,
          ),
        )),
        ...unless(
          repository.read("clusters/local/kind.yaml").includes(`kindest/node:v${kubectl}`),
          `kind.yaml: not Kubernetes ${kubectl}`,
        ),
        ...same(
          "the Prometheus that the rules are tested with",
          images(await repository.render("clusters/base/monitoring")),
          [`quay.io/prometheus/prometheus:v${promtool}`],
        ),
        ...same(
          "the Argo Rollouts of its manifests",
          images(await repository.render("clusters/base/rollouts")),
          [
            `quay.io/argoproj/argo-rollouts:${/rollouts\/\/.*ref=(.+)/.exec(repository.read("clusters/base/rollouts/kustomization.yaml"))?.[1]}`,
          ],
        ),
        ...same("versions of Argo CD", tags.length, 1),
        ...same(
          `the Kustomize that renders here, beside Argo CD ${tags}`,
          kustomize?.replace(/\.\d+$/, ""),
          bundled[tags[0] ?? ""],
        ),
      ];
    },
    mutations: [
      {
        what: "another Kustomize than Argo CD's",
        file: ".tool-versions",
        from: "kustomize ",
        to: "kustomize 4.",
        says: /the Kustomize that renders here, beside Argo CD v.*: "4\./,
      },
      {
        what: "another Prometheus than its rules are tested with",
        file: ".tool-versions",
        from: "promtool ",
        to: "promtool 2.",
        says: /the Prometheus that the rules are tested with: .*, not .*:v2\./,
      },
      {
        what: "another Argo Rollouts than that of its manifests",
        file: "clusters/base/rollouts/kustomization.yaml",
        from: "newTag: v",
        to: "newTag: v2",
        says: /the Argo Rollouts of its manifests: .*rollouts:v2/,
      },
      {
        what: "another Kubernetes on a laptop",
        file: ".tool-versions",
        from: "kubectl ",
        to: "kubectl 2.",
        says: /kind.yaml: not Kubernetes 2\./,
      },
      {
        what: "another Node in an image",
        file: "payment-service/Dockerfile",
        from: "FROM node:",
        to: "FROM node:1",
        says: /payment-service\/Dockerfile: not Node /,
      },
    ],
  },
  {
    title: "Each port that kind opens is the node port of one Service",
    check: async (repository) => {
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
    mutations: [
      {
        what: "a node port that Argo CD has already",
        file: "apps/antaeus/base/service.yaml",
        from: "nodePort: 30008",
        to: "nodePort: 30080",
        says: /testing: ports: \[30080,30080\]/,
      },
    ],
  },
];
