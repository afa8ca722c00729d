import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Repository } from "../support/repository.ts";
import { offences } from "./tenancy.ts";

const repository = new Repository();

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const application = "clusters/testing/apps/payment.yaml";
const inProduction = "clusters/production/apps/payment.yaml";

/** Replaces a part of a file, which must be there. */
const edit = (file: string, from: string, to: string) => (root: string) => {
  const text = readFileSync(join(root, file), "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(join(root, file), text.replace(from, to));
};

/** Adds a manifest to what payment deploys. */
const add = (manifest: object) => (root: string) => {
  appendFileSync(
    join(root, "apps/payment/base/service.yaml"),
    `---\n${JSON.stringify(manifest)}\n`,
  );
};

const meta = (kind: string, apiVersion = "v1") => ({ apiVersion, kind, metadata: { name: "x" } });

/** What a member of the payment team might merge to reach beyond payment, and what is said against it. */
const attempts: [what: string, change: (root: string) => void, offence: RegExp][] = [
  [
    "its application in another project",
    edit(application, "project: payment", "project: platform"),
    /payment is of the project platform/,
  ],
  [
    "its application reading another folder",
    edit(application, "apps/payment/", "apps/antaeus/"),
    /payment reads apps\/antaeus/,
  ],
  [
    "testing's folder in production",
    edit(inProduction, "overlays/production", "overlays/testing"),
    /clusters\/production\/apps: payment reads apps\/payment\/overlays\/testing/,
  ],
  [
    "its application at another revision",
    edit("clusters/base/sync/application.yaml", "targetRevision: main", "targetRevision: mine"),
    /payment reads mine/,
  ],
  [
    "its application in another namespace",
    edit(application, "namespace: app-payment", "namespace: app-antaeus"),
    /payment deploys to app-antaeus/,
  ],
  [
    "a namespace of its own making",
    edit(
      "clusters/base/sync/application.yaml",
      "- FailOnSharedResource=true",
      "- CreateNamespace=true",
    ),
    /payment has sync options/,
  ],
  [
    "an operation in the manifest",
    edit(inProduction, "spec:\n", "operation:\n  sync: {revision: mine}\nspec:\n"),
    /payment has the field operation/,
  ],
  [
    "a second source",
    edit(application, "spec:\n", "spec:\n  sources: [{path: apps/antaeus/base}]\n"),
    /payment has the field spec.sources/,
  ],
  [
    "parameters of its source",
    edit(application, "source:\n", "source:\n    directory: {recurse: true}\n"),
    /payment has the field spec.source.directory/,
  ],
  [
    "an application of no team",
    edit(application, "name: payment\n", "name: mine\n"),
    /mine is no team's application/,
  ],
  [
    "a root that reads another folder",
    edit("clusters/production/root.yaml", "clusters/production", "clusters/testing"),
    /clusters\/production: root reads clusters\/testing\/apps/,
  ],
  [
    "a remote base",
    edit(
      overlay,
      "  - ../../base",
      "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main",
    ),
    /somebody\/else.* is not in apps\/payment/,
  ],
  [
    "a remote base, by its old name",
    (root) => appendFileSync(join(root, overlay), "bases: [github.com/somebody/else//deploy]\n"),
    /bases are not for a team/,
  ],
  [
    "a patch from elsewhere",
    (root) =>
      appendFileSync(join(root, overlay), "patches: [{path: https://somebody.example/patch}]\n"),
    /somebody.example\/patch is not in apps\/payment/,
  ],
  [
    "a kustomization that nothing else looks at",
    (root) =>
      renameSync(
        join(root, "apps/payment/base/kustomization.yaml"),
        join(root, "apps/payment/base/Kustomization"),
      ),
    /Kustomization: is no kustomization.yaml/,
  ],
  [
    "another team's folder",
    edit(overlay, "  - ../../base", "  - ../../../antaeus/base"),
    /antaeus\/base is not in apps\/payment/,
  ],
  [
    "a plugin that runs a program",
    (root) => appendFileSync(join(root, overlay), "generators: [run.yaml]\n"),
    /generators are not for a team/,
  ],
  [
    "a role of its own",
    add(meta("RoleBinding", "rbac.authorization.k8s.io/v1")),
    /RoleBinding x: a team may not deploy this kind/,
  ],
  [
    "an application that makes applications",
    add(meta("Application", "argoproj.io/v1alpha1")),
    /Application x: a team may not/,
  ],
  [
    "a network policy of its own",
    add(meta("NetworkPolicy", "networking.k8s.io/v1")),
    /NetworkPolicy x: a team may not/,
  ],
  [
    "another namespace",
    edit(
      "apps/payment/base/kustomization.yaml",
      "namespace: app-payment",
      "namespace: app-antaeus",
    ),
    /is not in app-payment/,
  ],
  [
    "a port on every node",
    edit("apps/payment/base/service.yaml", "spec:\n", "spec:\n  type: NodePort\n"),
    /opens a port on every node/,
  ],
  [
    "a name for another service",
    add({
      ...meta("Service"),
      spec: { type: "ExternalName", externalName: "antaeus.app-antaeus" },
    }),
    /points out of its namespace/,
  ],
  [
    "the node's files",
    edit(
      "apps/payment/components/known-caller/deployment.yaml",
      "          configMap:\n            name: kube-root-ca.crt",
      "          hostPath:\n            path: /etc",
    ),
    /mounts \/etc of the node/,
  ],
  [
    "its own folder as Argo CD itself, with the cluster administrator's deployer",
    edit("clusters/testing/apps/argocd.yaml", "clusters/testing/argocd", "apps/payment/base"),
    /argocd reads apps\/payment\/base/,
  ],
  [
    "a malformed line in its project",
    edit("argocd/projects/payment.yaml", "logs, get, payment/*, allow", "logs get payment/* allow"),
    /not a policy/,
  ],
  [
    "a line for another project",
    edit("argocd/projects/payment.yaml", "sync, payment/*", "sync, antaeus/*"),
    /not a policy/,
  ],
];
for (const [what, change, offence] of attempts) {
  test(`stopped before merge: ${what}`, async (t) => {
    t.regex((await repository.changed(change, offences)).join("\n"), offence);
  });
}
