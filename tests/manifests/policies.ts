import { podSpecs } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

/** The policies of the API server, each with a mistake that opens it. */
const files = ["applications", "images", "pods", "services"];

export const policies: Rule[] = [
  {
    title: "Each admission policy denies, and fails closed",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const manifests = await repository.platform(environment);
        const named = (wanted: string) => manifests.filter(({ kind }) => kind === wanted);
        const bindings = named("ValidatingAdmissionPolicyBinding");
        const found = named("ValidatingAdmissionPolicy");
        return [
          ...same(
            `${environment}: policies`,
            found.map(({ metadata }) => metadata.name).sort(),
            files,
          ),
          ...(await each(found, ({ metadata: { name }, spec }) => [
            ...same(`${environment}: ${name} fails`, spec.failurePolicy, "Fail"),
            ...same(
              `${environment}: ${name} is bound`,
              bindings.filter(({ metadata }) => metadata.name === name).map(({ spec }) => spec),
              [{ policyName: name, validationActions: ["Deny", "Audit"] }],
            ),
          ])),
        ];
      }),
    mutations: [
      {
        what: "Applications that anybody changes through Argo CD's API",
        file: "clusters/base/policies/kustomization.yaml",
        from: "  - applications.yaml\n",
        to: "",
        says: /testing: policies: \["images","pods","services"\]/,
      },
      {
        what: "a policy of images that only audits",
        file: "clusters/base/policies/images.yaml",
        from: "[Deny, Audit]",
        to: "[Audit]",
        says: /testing: images is bound: .*\["Audit"\]/,
      },
      {
        what: "a policy of images that fails open",
        file: "clusters/base/policies/images.yaml",
        from: "failurePolicy: Fail",
        to: "failurePolicy: Ignore",
        says: /testing: images fails: "Ignore"/,
      },
      {
        what: "a policy of pods that fails open",
        file: "clusters/base/policies/pods.yaml",
        from: "failurePolicy: Fail",
        to: "failurePolicy: Ignore",
        says: /pods fails: "Ignore"/,
      },
      {
        what: "a policy of Services that only audits",
        file: "clusters/base/policies/services.yaml",
        from: "[Deny, Audit]",
        to: "[Audit]",
        says: /services is bound: .*\["Audit"\]/,
      },
    ],
  },
  {
    title: "What renders commits takes Git by HTTPS alone, and reaches nothing else",
    check: (repository) =>
      each(["local", ...repository.environments], async (cluster) => {
        const manifests = await repository.render(`clusters/${cluster}/argocd`);
        const server = podSpecs(manifests).find(({ name }) => name === "argocd-repo-server");
        const env: { name: string; value?: string }[] = server?.spec.containers[0].env ?? [];
        const egress = manifests.filter(
          ({ kind, spec }) => kind === "NetworkPolicy" && spec.policyTypes.includes("Egress"),
        );
        return [
          ...same(
            `${cluster}: GIT_ALLOW_PROTOCOL`,
            env.find(({ name }) => name === "GIT_ALLOW_PROTOCOL")?.value,
            cluster === "local" ? "https:http:git" : "https",
          ),
          ...unless(
            egress.some(
              ({ spec }) =>
                spec.podSelector.matchLabels["app.kubernetes.io/name"] === "argocd-repo-server",
            ),
            `${cluster}: argocd-repo-server may call anybody`,
          ),
        ];
      }),
    mutations: [
      {
        what: "one more protocol",
        file: "argocd/install/repo-server.yaml",
        from: "value: https",
        to: "value: https:ssh",
        says: /production: GIT_ALLOW_PROTOCOL: "https:ssh"/,
      },
      {
        what: "no policy of what it may call",
        file: "argocd/install/repo-server-egress.yaml",
        from: "policyTypes: [Egress]",
        to: "policyTypes: [Ingress]",
        says: /testing: argocd-repo-server may call anybody/,
      },
    ],
  },
];
