import type { Rule } from "./rule.ts";

// Escape attempts: what a member of the payment team might merge to reach beyond payment.

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const base = "apps/payment/base/kustomization.yaml";
const service = "apps/payment/base/service.yaml";
const application = "clusters/testing/apps/payment.yaml";
const inProduction = "clusters/production/apps/payment.yaml";
const sync = "clusters/base/sync/application.yaml";

/** One more manifest in what payment deploys. */
const deploying = (apiVersion: string, kind: string, spec?: object) => {
  const port = "      targetPort: http\n";
  const added = JSON.stringify({ apiVersion, kind, metadata: { name: "x" }, spec });
  return { file: service, from: port, to: `${port}---\n${added}\n` };
};

/** One more field in the kustomization of payment's overlay. */
const kustomizing = (text: string) => ({
  file: overlay,
  from: "components:\n",
  to: `${text}\ncomponents:\n`,
});

export const ofFolder: Rule["mutations"] = [
  {
    what: "a remote base in Antaeus' overlay",
    file: "apps/antaeus/overlays/production/kustomization.yaml",
    from: "  - ../../base\n",
    to: "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main\n",
    says: /somebody\/else.* is not in apps\/antaeus/,
  },
  {
    what: "a Role",
    ...deploying("rbac.authorization.k8s.io/v1", "Role"),
    says: /Role x: a team may not deploy this kind/,
  },
  {
    what: "a remote base",
    file: overlay,
    from: "  - ../../base",
    to: "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main",
    says: /somebody\/else.* is not in apps\/payment/,
  },
  {
    what: "a remote base by its old field",
    ...kustomizing("bases: [github.com/somebody/else//deploy]"),
    says: /bases are not for a team/,
  },
  {
    what: "a remote patch",
    ...kustomizing("patches: [{path: https://somebody.example/patch}]"),
    says: /somebody.example\/patch is not in apps\/payment/,
  },
  {
    what: "a kustomization by another file name",
    file: base,
    newName: "Kustomization",
    says: /Kustomization: is no kustomization.yaml/,
  },
  {
    what: "another team's folder",
    file: overlay,
    from: "  - ../../base",
    to: "  - ../../../antaeus/base",
    says: /antaeus\/base is not in apps\/payment/,
  },
  {
    what: "a plugin that runs a program",
    ...kustomizing("generators: [run.yaml]"),
    says: /generators are not for a team/,
  },
  {
    what: "a RoleBinding",
    ...deploying("rbac.authorization.k8s.io/v1", "RoleBinding"),
    says: /RoleBinding x: a team may not deploy this kind/,
  },
  {
    what: "an Application that makes Applications",
    ...deploying("argoproj.io/v1alpha1", "Application"),
    says: /Application x: a team may not/,
  },
  {
    what: "a NetworkPolicy",
    ...deploying("networking.k8s.io/v1", "NetworkPolicy"),
    says: /NetworkPolicy x: a team may not/,
  },
  {
    what: "another namespace",
    file: base,
    from: "namespace: app-payment",
    to: "namespace: app-antaeus",
    says: /is not in app-payment/,
  },
  {
    what: "a port on every node",
    file: service,
    from: "spec:\n",
    to: "spec:\n  type: NodePort\n",
    says: /opens a port on every node/,
  },
  {
    what: "a name for another team's Service",
    ...deploying("v1", "Service", { type: "ExternalName", externalName: "antaeus.app-antaeus" }),
    says: /points out of its namespace/,
  },
  {
    what: "a volume with the node's files",
    file: "apps/payment/components/known-caller/deployment.yaml",
    from: "          configMap:\n            name: kube-root-ca.crt",
    to: "          hostPath:\n            path: /etc",
    says: /mounts \/etc of the node/,
  },
];

export const ofApplication: Rule["mutations"] = [
  {
    what: "payment's Application in another project",
    file: application,
    from: "project: payment",
    to: "project: platform",
    says: /payment is of the project platform/,
  },
  {
    what: "payment's Application with another team's folder",
    file: application,
    from: "apps/payment/",
    to: "apps/antaeus/",
    says: /payment reads apps\/antaeus/,
  },
  {
    what: "testing's folder in production",
    file: inProduction,
    from: "overlays/production",
    to: "overlays/testing",
    says: /clusters\/production\/apps: payment reads apps\/payment\/overlays\/testing/,
  },
  {
    what: "payment's Application at another revision",
    file: sync,
    from: "targetRevision: main",
    to: "targetRevision: mine",
    says: /payment reads mine/,
  },
  {
    what: "payment's Application in another namespace",
    file: application,
    from: "namespace: app-payment",
    to: "namespace: app-antaeus",
    says: /payment deploys to app-antaeus/,
  },
  {
    what: "a sync option that makes a namespace",
    file: sync,
    from: "- FailOnSharedResource=true",
    to: "- CreateNamespace=true",
    says: /payment has sync options/,
  },
  {
    what: "an operation in an Application's manifest",
    file: inProduction,
    from: "spec:\n",
    to: "operation:\n  sync: {revision: mine}\nspec:\n",
    says: /payment has the field operation/,
  },
  {
    what: "a second source",
    file: application,
    from: "spec:\n",
    to: "spec:\n  sources: [{path: apps/antaeus/base}]\n",
    says: /payment has the field spec.sources/,
  },
  {
    what: "parameters of an Application's source",
    file: application,
    from: "source:\n",
    to: "source:\n    directory: {recurse: true}\n",
    says: /payment has the field spec.source.directory/,
  },
  {
    what: "an Application of no team",
    file: application,
    from: "name: payment\n",
    to: "name: mine\n",
    says: /mine is no team's application/,
  },
  {
    what: "a root that reads another folder",
    file: "clusters/production/apps/root.yaml",
    from: "clusters/production",
    to: "clusters/testing",
    says: /clusters\/production: root reads clusters\/testing\/apps/,
  },
  {
    what: "payment's folder as that of Argo CD, which a cluster administrator deploys",
    file: "clusters/testing/apps/argocd.yaml",
    from: "clusters/testing/argocd",
    to: "apps/payment/base",
    says: /argocd reads apps\/payment\/base/,
  },
];

export const ofPolicy: Rule["mutations"] = [
  {
    what: "Antaeus' right to sync payment's Application",
    file: "argocd/projects/antaeus.yaml",
    from: "applications, sync, antaeus/*",
    to: "applications, sync, payment/*",
    says: /not a policy: p, proj:antaeus:team, applications, sync, payment/,
  },
  {
    what: "a malformed policy",
    file: "argocd/projects/payment.yaml",
    from: "logs, get, payment/*, allow",
    to: "logs get payment/* allow",
    says: /not a policy/,
  },
  {
    what: "a policy for another team's Application",
    file: "argocd/projects/payment.yaml",
    from: "sync, payment/*",
    to: "sync, antaeus/*",
    says: /not a policy/,
  },
];
