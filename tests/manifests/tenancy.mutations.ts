import type { Rule } from "./rule.ts";

// Escape attempts: what a member of the payment team might merge to reach beyond payment.

const base = "apps/payment/base/kustomization.yaml";
const application = "clusters/testing/apps/payment.yaml";
const inProduction = "clusters/production/apps/payment.yaml";
const sync = "clusters/base/sync/application.yaml";

export const ofNamespace: Rule["mutations"] = [
  {
    what: "payment's objects in another namespace",
    file: base,
    from: "namespace: app-payment",
    to: "namespace: app-antaeus",
    says: /Service payment: is in app-antaeus/,
  },
  {
    what: "objects in whatever namespace",
    file: base,
    from: "namespace: app-payment\n",
    to: "",
    says: /Service payment: is in undefined/,
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
