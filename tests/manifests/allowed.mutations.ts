import { here } from "../support/repository.ts";
import type { Mutation, Rule } from "./rule.ts";

// Escape attempts: what a member of the payment team might merge to reach beyond payment.

type Mutations = Rule["mutations"];

const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const base = "apps/payment/base/kustomization.yaml";
const component = "apps/payment/components/known-caller/rollout.yaml";
const deployment = "apps/payment/base/rollout.yaml";
const analysis = "apps/payment/base/analysis.yaml";
const service = "apps/payment/base/service.yaml";
const budget = "apps/payment/base/disruption-budget.yaml";
const autoscaler = "apps/payment/base/autoscaler.yaml";
const volume = "apps/antaeus/base/volume.yaml";

/**
 * Mutations that each add one field, which is refused by its name.
 * @param before the text in whose place the field and then this text stand
 * @param attempts the field, by what it would do
 */
const adding = (file: string, before: string, attempts: Record<string, string>): Mutation[] =>
  Object.entries(attempts).map(([what, field]) => {
    const [indent = ""] = /^ */.exec(before) ?? [];
    // Messages show no letters but those of ASCII.
    const name = field.split(":")[0]?.replace(/[^ -~]/g, "?") ?? "";
    return {
      what,
      file,
      from: before,
      to: `${indent}${field}\n${before}`,
      says: new RegExp(`${RegExp.escape(file)}:\\d+: .*no field "${RegExp.escape(name)}" here`),
    };
  });

/** Mutations that each replace one text, where the value is refused. */
const changing = (
  file: string,
  attempts: Record<string, [from: string, to: string, says: RegExp]>,
): Mutation[] =>
  Object.entries(attempts).map(([what, [from, to, says]]) => ({ what, file, from, to, says }));

/** Mutations that each add a file. */
const creating = (attempts: Record<string, [file: string, content: string, says: RegExp]>) =>
  Object.entries(attempts).map(([what, [file, content, says]]) => ({ what, file, content, says }));

const object = (apiVersion: string, kind: string) =>
  `${JSON.stringify({ apiVersion, kind, metadata: { name: "payment-x" } })}\n`;

/** Mutations that each deploy one more object, of a kind that is refused. */
const deploying = (attempts: Record<string, [apiVersion: string, kind: string]>): Mutation[] =>
  Object.entries(attempts).map(([what, [apiVersion, kind]]) => ({
    what,
    file: service,
    from: "      targetPort: http\n",
    to: `      targetPort: http\n---\n${object(apiVersion, kind)}`,
    says: new RegExp(`service.yaml:11: a team may not deploy the kind "${kind}"`),
  }));

const generator =
  "configMapGenerator:\n  - name: payment-limits\n    options: {annotations: {argocd.argoproj.io/sync-options: PruneLast=true}}\n";

export const ofFiles: Mutations = [
  {
    what: "a symbolic link in a folder that Git ignores",
    file: "payment-service/dist/notes",
    target: "/nowhere",
    says: /^payment-service\/dist\/notes: a symbolic link\. Allowed: files\. For more ask @[\w-]+\/platform/m,
  },
  {
    what: "a symbolic link to another team's folder",
    file: "apps/payment/base/antaeus",
    target: "../../antaeus/base",
    says: /apps\/payment\/base\/antaeus: a symbolic link/,
  },
  {
    what: "a program",
    file: "apps/payment/base/run.yaml",
    content: "#!/bin/sh\n",
    mode: 0o755,
    says: /apps\/payment\/base\/run.yaml: a program/,
  },
  {
    what: "a kustomization by another file name",
    file: base,
    newName: "Kustomization",
    says: /apps\/payment\/base\/Kustomization: a kustomization\. Allowed: kustomization.yaml/,
  },
  ...creating({
    "a submodule": ["payment-service/other/.git", "gitdir: nowhere\n", /other: a submodule/],
    "parameters of an Application's source, beside the kustomization": [
      "apps/payment/overlays/testing/.argocd-source.yaml",
      "kustomize: {}\n",
      /\.argocd-source.yaml: Argo CD would read it/,
    ],
    "parameters for one Application alone": [
      "apps/payment/overlays/testing/.argocd-source-payment.yaml",
      "directory: {}\n",
      /\.argocd-source-payment.yaml: Argo CD would read it/,
    ],
    "parameters of the root's source": [
      "clusters/testing/apps/.argocd-source.yaml",
      "kustomize: {}\n",
      /clusters\/testing\/apps\/\.argocd-source.yaml: Argo CD would read it/,
    ],
    "a Helm chart": [
      "apps/payment/overlays/testing/Chart.yaml",
      "name: payment\n",
      /Chart.yaml: Argo CD would read it/,
    ],
    "a chart that sorts after the kustomization": [
      "apps/payment/overlays/testing/zChart.yaml",
      "name: payment\n",
      /zChart.yaml: Argo CD would read it/,
    ],
    "attributes that change files as they are checked out": [
      "apps/payment/.gitattributes",
      "* text\n",
      /\.gitattributes: Argo CD would read it/,
    ],
    "a template of a chart": [
      "apps/payment/overlays/testing/templates/a.yaml",
      object("v1", "Service"),
      /templates\/a.yaml: no kustomization lists it/,
    ],
    "manifests in a folder that Git ignores": [
      "apps/payment/dist/a.yaml",
      object("v1", "Service"),
      /apps\/payment\/dist\/a.yaml: no kustomization lists it/,
    ],
    "a program in Jsonnet": [
      "apps/payment/overlays/testing/main.jsonnet",
      "{}\n",
      /main.jsonnet: no kustomization lists it/,
    ],
    "a kustomization beside the source": [
      "payment-service/deploy/kustomization.yaml",
      "resources: []\n",
      /payment-service\/deploy\/kustomization.yaml: a kustomization/,
    ],
    "a folder with the name of a host": [
      "apps/payment/github.com/somebody/kustomization.yaml",
      "resources: []\n",
      /apps\/payment\/github.com\/somebody\/kustomization.yaml: .*no plain name/,
    ],
    "a manifest of no team": ["apps/all.yaml", object("v1", "Service"), /apps\/all.yaml: not in/],
    "a manifest that is larger than anybody reads": [
      "apps/payment/base/large.yaml",
      `${object("v1", "Service")}${"#\n".repeat(40_000)}`,
      /large.yaml: \d+ bytes\. Allowed: 65536 at most/,
    ],
  }),
];

export const ofKustomizations: Mutations = [
  ...(adding(overlay, "components:\n", {
    "a remote base by its old field": "bases: [github.com/somebody/else//deploy]",
    "a plugin that runs a program": "generators: [run.yaml]",
    "a transformer": "transformers: [run.yaml]",
    "a validator": "validators: [run.yaml]",
    "a chart from elsewhere": "helmCharts: [{name: payment}]",
    "charts of its folder": "helmGlobals: {chartHome: charts}",
    "schemas of its own": "crds: [crd.yaml]",
    "an API of its own": "openapi: {path: openapi.json}",
    "a transformer's configuration": "configurations: [configuration.yaml]",
    "replacements of any field": "replacements: [{path: replacement.yaml}]",
    "variables of any field": "vars: [{name: X}]",
    "patches by their old field": "patchesStrategicMerge: [deployment.yaml]",
    "operations on any field": "patchesJson6902: [{path: patch.yaml}]",
    "annotations on everything": "commonAnnotations: {argocd.argoproj.io/hook: Skip}",
    "labels on everything": "commonLabels: {team: antaeus}",
    "ConfigMaps without a hash": "generatorOptions: {disableNameSuffixHash: true}",
    "Secrets in Git": "secretGenerator: [{name: payment-secret, literals: [A=b]}]",
    "another name for everything": "namePrefix: antaeus-",
    "the resources of another case": "Resources: [../../../antaeus/base]",
    "components of another case": "Components: [../../../antaeus/base]",
    "transformers of another case": "Transformers: [run.yaml]",
    "images of another case, which fill in what images leaves out":
      "Images: [{newName: somebody/else}]",
    "a merge key": "<<: {transformers: [run.yaml]}",
    "a letter that only looks like one": "res\u043eurces: [run.yaml]",
  }) as Mutations),
  ...changing(overlay, {
    "a remote base": [
      "  - ../../base\n",
      "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main\n",
      /kustomization.yaml:5: resources\[\]: "https:\/\/github.com\/somebody\/else/,
    ],
    "a remote base by SSH": [
      "  - ../../base\n",
      "  - ../../base\n  - somebody@example.org:else\n",
      /resources\[\]: "somebody@example.org:else"/,
    ],
    "a remote base in a folder of somebody's machine": [
      "  - ../../base\n",
      "  - ../../base\n  - file:///nowhere\n",
      /resources\[\]: "file:\/\/\/nowhere"/,
    ],
    "a remote base that looks like a folder": [
      "  - ../../base\n",
      "  - ../../base\n  - GitHub.com/somebody/else\n",
      /resources\[\]: "GitHub.com\/somebody\/else"/,
    ],
    "a base at a revision": [
      "  - ../../base\n",
      "  - ../../base?version=main\n",
      /resources\[\]: "..\/..\/base\?version=main"/,
    ],
    "the platform's remote base": [
      "  - ../../base\n",
      "  - https://github.com/argoproj/argo-cd//manifests/cluster-install?ref=v3.6.1\n",
      /resources\[\]: "https:\/\/github.com\/argoproj/,
    ],
    "another team's folder": [
      "  - ../../base\n",
      "  - ../../../antaeus/base\n",
      /resources\[\]: "..\/..\/..\/antaeus\/base"/,
    ],
    "the folder of the deployers": [
      "  - ../../base\n",
      "  - ../../base\n  - ../../../../argocd/deployers\n",
      /resources\[\]: "..\/..\/..\/..\/argocd\/deployers"/,
    ],
    "a folder from the root of the machine": [
      "  - ../../base\n",
      "  - /etc\n",
      /resources\[\]: "\/etc"/,
    ],
    "a remote component": [
      "  - ../../components/known-caller\n",
      "  - https://github.com/somebody/else//component\n",
      /components\[\]: "https:\/\/github.com/,
    ],
    "another component of the platform's": [
      "  - ../../components/known-caller\n",
      "  - ../../../../clusters/base/sync\n",
      /components\[\]: "..\/..\/..\/..\/clusters\/base\/sync"/,
    ],
    "a remote patch": [
      "components:\n",
      "patches: [{path: https://somebody.example/patch}]\ncomponents:\n",
      /patches\[\].path: "https:\/\/somebody.example\/patch"/,
    ],
    "a patch of another object than it says": [
      "components:\n",
      "patches: [{path: ../../base/service.yaml, target: {kind: Deployment}}]\ncomponents:\n",
      /patches\[\]: no field "target" here/,
    ],
    "a patch within the kustomization": [
      "components:\n",
      "patches: [{path: ../../base/service.yaml, patch: 'kind: Service'}]\ncomponents:\n",
      /patches\[\]: no field "patch" here/,
    ],
    "a ConfigMap of a remote file": [
      "components:\n",
      `${generator}    files: [https://somebody.example/file]\ncomponents:\n`,
      /configMapGenerator\[\].files\[\]: "https:/,
    ],
    "a ConfigMap of a file elsewhere": [
      "components:\n",
      `${generator}    files: [a=../../../../README.md]\ncomponents:\n`,
      /configMapGenerator\[\].files\[\]: "a=..\/..\/..\/..\/README.md"/,
    ],
    "a variable of two lines": [
      "components:\n",
      `${generator}    literals: ["PAYMENT_A=b\\nexec: c"]\ncomponents:\n`,
      /configMapGenerator\[\].literals\[\]: "PAYMENT_A=b.*Allowed: `NAME=value`, of one line/,
    ],
    "a variable of a file's lines": [
      "components:\n",
      `${generator}    files: [A=deployment.yaml]\ncomponents:\n`,
      /configMapGenerator\[\].files\[\]: "A=deployment.yaml"/,
    ],
    "a ConfigMap that outlives its commit": [
      "components:\n",
      `${generator.replace("PruneLast=true", "Prune=false")}    literals: [PAYMENT_A=b]\ncomponents:\n`,
      /sync-options: "Prune=false"\. Allowed: `PruneLast=true`/,
    ],
    "a ConfigMap in another namespace": [
      "components:\n",
      `${generator}    namespace: app-antaeus\ncomponents:\n`,
      /configMapGenerator\[\]: no field "namespace" here/,
    ],
    "another team's image": [
      `  - name: ${here.registry}/payment\n`,
      `  - name: ${here.registry}/payment\n    newName: ${here.registry}/antaeus\n`,
      /images\[\].newName: ".*\/antaeus"/,
    ],
    "somebody else's image": [
      `  - name: ${here.registry}/payment\n`,
      `  - name: ${here.registry}/payment\n    newName: ghcr.io/somebody/pe-gitops/payment\n`,
      /images\[\].newName: "ghcr.io\/somebody\/pe-gitops\/payment"/,
    ],
    "resources twice": [
      "components:\n",
      "resources: [../../../antaeus/base]\ncomponents:\n",
      /kustomization.yaml:\d+: DUPLICATE_KEY/,
    ],
    "an anchor": ["resources:\n", "resources: &all\n", /resources: an anchor, an alias or a tag/],
    "a tag": ["kind: Kust", "kind: !!binary Kust", /kind: an anchor, an alias or a tag/],
    "another version of YAML": ["apiVersion:", "%YAML 1.1\n---\napiVersion:", /:1: a directive/],
    "text that runs from right to left": [
      "resources:\n",
      "# \u202e\nresources:\n",
      /kustomization.yaml:3: an invisible character/,
    ],
    "a second document": [
      "resources:\n",
      "---\nresources:\n",
      /testing\/kustomization.yaml: more than one document/,
    ],
  }),
  ...changing(base, {
    "another namespace": [
      "namespace: app-payment",
      "namespace: app-antaeus",
      /kustomization.yaml:3: namespace: "app-antaeus"\. Allowed: `app-<service>`/,
    ],
    "the labels of another team's pods": [
      "      app.kubernetes.io/name: payment",
      "      app.kubernetes.io/name: antaeus",
      /labels\[\].pairs.app.kubernetes.io\/name: "antaeus"/,
    ],
    "the labels of the pods that read metrics": [
      "      app.kubernetes.io/name: payment",
      "      metrics-scraper: 'true'",
      /labels\[\].pairs: no field "metrics-scraper" here/,
    ],
  }),
  {
    what: "a remote base in Antaeus' overlay",
    file: "apps/antaeus/overlays/production/kustomization.yaml",
    from: "  - ../../base\n",
    to: "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main\n",
    says: /somebody\/else.* Allowed: the path of an own/,
  },
  {
    what: "a release of Argo CD from elsewhere, in the platform's folder",
    file: "argocd/install/kustomization.yaml",
    from: "github.com/argoproj/argo-cd",
    to: "github.com/somebody/argo-cd",
    says: /argocd\/install\/kustomization.yaml:\d+: resources\[\]: "https:\/\/github.com\/somebody/,
  },
  {
    what: "a release of Argo CD that is no version",
    file: "argocd/install/kustomization.yaml",
    from: "?ref=v",
    to: "?ref=--v",
    says: /argocd\/install\/kustomization.yaml:\d+: resources\[\]: /,
  },
];

export const ofObjects: Mutations = [
  ...(deploying({
    "a Role": ["rbac.authorization.k8s.io/v1", "Role"],
    "a RoleBinding": ["rbac.authorization.k8s.io/v1", "RoleBinding"],
    "an Application that makes Applications": ["argoproj.io/v1alpha1", "Application"],
    "a project": ["argoproj.io/v1alpha1", "AppProject"],
    "a NetworkPolicy": ["networking.k8s.io/v1", "NetworkPolicy"],
    "an Ingress": ["networking.k8s.io/v1", "Ingress"],
    "endpoints of its own choice": ["discovery.k8s.io/v1", "EndpointSlice"],
    "another quota": ["v1", "ResourceQuota"],
    "a namespace": ["v1", "Namespace"],
    "a pod outside of any Deployment": ["v1", "Pod"],
    "a pod on each node": ["apps/v1", "DaemonSet"],
    "a Secret": ["v1", "Secret"],
    "a ConfigMap that no generator makes": ["v1", "ConfigMap"],
    "a list, in which anything can be": ["v1", "List"],
    "a Job": ["batch/v1", "Job"],
    "a webhook": ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"],
    "a kind that is called like a field of every object": ["v1", "constructor"],
  }) as Mutations),
  ...adding(deployment, "      enableServiceLinks: false\n", {
    "a node of its choice": "nodeName: somewhere",
    "nodes of its choice": "nodeSelector: {a: b}",
    "nodes that others must keep free": "tolerations: [{operator: Exists}]",
    "the priority of the system": "priorityClassName: system-node-critical",
    "the node's network": "hostNetwork: true",
    "the node's processes": "hostPID: true",
    "a scheduler of its own": "schedulerName: mine",
    "another runtime": "runtimeClassName: mine",
    "names of hosts": "hostAliases: []",
    "its own name servers": "dnsConfig: {nameservers: [192.0.2.1]}",
    "the processes of its neighbours": "shareProcessNamespace: true",
    "a container to debug": "ephemeralContainers: []",
  }),
  ...adding(deployment, "        podAntiAffinity:\n", {
    "a place beside another pod": "podAffinity: {}",
    "nodes of its choice, by affinity": "nodeAffinity: {}",
  }),
  ...adding(deployment, "          imagePullPolicy: IfNotPresent\n", {
    "another program of the image": "command: [/node]",
    "a hook that delays a pod's end": "lifecycle: {preStop: {sleep: {seconds: 3600}}}",
    "a terminal": "tty: true",
  }),
  ...changing(deployment, {
    "a container before the others": [
      "      enableServiceLinks: false\n",
      "      enableServiceLinks: false\n      initContainers: [{name: restore}]\n",
      /initContainers\[\]\.name: "restore"\. Allowed: `restore` or `backup`, of antaeus alone/,
    ],
    "an option of Node's, as an argument": [
      "          imagePullPolicy: IfNotPresent\n",
      "          imagePullPolicy: IfNotPresent\n          args: [-e]\n",
      /containers\[\]\.args\[\]: "-e"/,
    ],
    "a deployment that no commit removes": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  annotations: {argocd.argoproj.io/sync-options: Prune=false}\n",
      /rollout.yaml:6: metadata: no field "annotations" here/,
    ],
    "an object that Argo CD makes as a hook": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  annotations: {argocd.argoproj.io/hook: PostSync}\n",
      /metadata: no field "annotations" here\. Allowed: name, labels/,
    ],
    "an object that Argo CD skips": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  annotations: {argocd.argoproj.io/hook: Skip}\n",
      /metadata: no field "annotations" here/,
    ],
    "an object whose health does not count": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  annotations: {argocd.argoproj.io/ignore-healthcheck: 'true'}\n",
      /metadata: no field "annotations" here/,
    ],
    "an object that replaces what runs": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  annotations: {argocd.argoproj.io/sync-options: 'Replace=true,Force=true'}\n",
      /metadata: no field "annotations" here/,
    ],
    "an object that cannot be deleted": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  finalizers: [somebody.example/never]\n",
      /metadata: no field "finalizers" here/,
    ],
    "an object of another one": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  ownerReferences: []\n",
      /metadata: no field "ownerReferences" here/,
    ],
    "an object in another namespace": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n  namespace: app-antaeus\n",
      /metadata: no field "namespace" here/,
    ],
    "an object of another team's name": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: antaeus\n",
      /metadata.name: "antaeus"\. Allowed: `<service>`, or a name after/,
    ],
    "a pod that ends after a year": [
      "terminationGracePeriodSeconds: 30",
      "terminationGracePeriodSeconds: 31536000",
      /terminationGracePeriodSeconds: "31536000"\. Allowed: 1 to 120/,
    ],
    "a number that YAML 1.1 reads as another one": [
      "terminationGracePeriodSeconds: 30",
      "terminationGracePeriodSeconds: 0x1e",
      /terminationGracePeriodSeconds: "0x1e"/,
    ],
    "ten thousand pods": [
      "spec:\n  revisionHistoryLimit",
      "spec:\n  replicas: 10000\n  revisionHistoryLimit",
      /spec.replicas: "10000"\. Allowed: 1 to 10/,
    ],
    "more memory than a node has": [
      "memory: 192Mi",
      "memory: 64Gi",
      /limits.memory: "64Gi"\. Allowed: 1Mi to 999Mi, or 1Gi to 4Gi/,
    ],
    "an image of another registry": [
      `image: ${here.registry}/payment`,
      "image: docker.io/somebody/payment",
      /containers\[\].image: "docker.io\/somebody\/payment"/,
    ],
    "another team's image in a container": [
      `image: ${here.registry}/payment`,
      `image: ${here.registry}/antaeus`,
      /containers\[\].image: ".*\/antaeus"/,
    ],
    "a port of the node": [
      "containerPort: 9000",
      "containerPort: 9000\n              hostPort: 9000",
      /ports\[\]: no field "hostPort" here/,
    ],
    "a probe of another host": [
      "path: /ready\n",
      "path: /ready\n              host: 192.0.2.1\n",
      /readinessProbe.httpGet: no field "host" here/,
    ],
    "a probe that runs a program": [
      "readinessProbe:\n            httpGet:",
      "readinessProbe:\n            exec: {command: [/node]}\n            httpGet:",
      /readinessProbe: no field "exec" here/,
    ],
    "a token of the pod's account": [
      "automountServiceAccountToken: false",
      "automountServiceAccountToken: true",
      /automountServiceAccountToken: "true"\. Allowed: `false`/,
    ],
    "another team's account": [
      "enableServiceLinks: false\n",
      "enableServiceLinks: false\n      serviceAccountName: antaeus\n",
      /serviceAccountName: "antaeus"/,
    ],
    "an option of the runtime": [
      "            - name: ACCEPTANCE_SHARE\n",
      "            - name: NODE_OPTIONS\n",
      /env\[\]\.name: "NODE_OPTIONS"\. Allowed: `HOST`/,
    ],
    "a field that is taken away": [
      '          env:\n            # Each overlay says it, and says it first: by that place the probe is told.\n            - name: ACCEPTANCE_SHARE\n              value: "0.5"\n',
      "          env: null\n",
      /containers\[\].env: no list/,
    ],
  }),
  ...changing(component, {
    "the node's files": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          hostPath:\n            path: /nowhere",
      /volumes\[\]: no field "hostPath" here/,
    ],
    "the files of an image": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          image:\n            reference: somebody/else",
      /volumes\[\]: no field "image" here/,
    ],
    "a driver's volume": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          csi:\n            driver: mine",
      /volumes\[\]: no field "csi" here/,
    ],
    "a volume as large as the node's disk": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          emptyDir: {}",
      /emptyDir: no sizeLimit/,
    ],
    "another team's Secret": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          secret:\n            secretName: antaeus",
      /secret.secretName: "antaeus"/,
    ],
    "a token for the API server": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          projected:\n            sources: [{serviceAccountToken: {path: token}}]",
      /serviceAccountToken: no audience/,
    ],
    "a token for somebody else": [
      "          configMap:\n            name: kube-root-ca.crt",
      "          projected:\n            sources: [{serviceAccountToken: {path: token, audience: vault}}]",
      /serviceAccountToken.audience: "vault"\. Allowed: `payment`/,
    ],
    "a patch that is a list of operations": [
      "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: payment\nspec:\n  template:",
      "- op: add\n  path: /spec/replicas\n  value: 9\n---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: payment\nspec:\n  template:",
      /rollout.yaml:1: a team may not deploy the kind "nothing"/,
    ],
    "a patch that deletes": [
      "metadata:\n  name: payment\n",
      "metadata:\n  name: payment\n$patch: delete\n",
      /no field "\$patch" here/,
    ],
  }),
  ...adding(deployment, "  selector:\n", {
    "the pods of a Deployment, which no policy of ours knows": "workloadRef: {name: payment}",
  }),
  ...changing(deployment, {
    "a release that no probe sees": [
      "      prePromotionAnalysis:\n",
      "      antiAffinity:\n",
      /blueGreen: no prePromotionAnalysis/,
    ],
    "a release by another way": [
      "    blueGreen:\n",
      "    canary:\n",
      /spec.strategy: no field "canary" here\. Allowed: blueGreen/,
    ],
    "an analysis that is told a Secret": [
      "              podTemplateHashValue: Stable\n",
      "              secretKeyRef: {name: payment, key: a}\n",
      /args\[\].valueFrom: no field "secretKeyRef" here/,
    ],
    "an analysis of the cluster's": [
      "          - templateName: payment-after\n",
      "          - templateName: payment-after\n            clusterScope: true\n",
      /templates\[\]: no field "clusterScope" here/,
    ],
  }),
  ...adding(analysis, '          query: count(up{job="services"', {
    "another Prometheus": "address: http://192.0.2.1:9090",
    "a password for it": "headers: []",
  }),
  ...changing(analysis, {
    "a measurement that calls whom it likes": [
      "        job:\n",
      "        web:\n",
      /metrics\[\].provider: no field "web" here\. Allowed: prometheus, job/,
    ],
    "a condition that is a program": [
      "successCondition: len(result) == 1 && result[0] >= 1",
      "successCondition: all(result, true)",
      /successCondition: "all\(result, true\)"/,
    ],
    "a probe with the labels of Antaeus": [
      "app.kubernetes.io/name: payment-probe",
      "app.kubernetes.io/name: antaeus",
      /labels.app.kubernetes.io\/name: "antaeus"/,
    ],
    "a probe of another program": [
      "                    args: [probe",
      "                    command: [/node]\n                    args: [probe",
      /containers\[\]: no field "command" here/,
    ],
    "a probe in the node's network": [
      "                enableServiceLinks: false\n",
      "                enableServiceLinks: false\n                hostNetwork: true\n",
      /template.spec: no field "hostNetwork" here/,
    ],
  }),
  ...adding(service, "  ports:\n", {
    "the addresses of others": "externalIPs: [192.0.2.1]",
    "a name for another team's Service": "externalName: antaeus.app-antaeus",
    "a load balancer's address": "loadBalancerIP: 192.0.2.1",
    "a load balancer's class": "loadBalancerClass: mine",
    "an address of the cluster": "clusterIP: 10.96.0.10",
    "a port for a load balancer's checks": "healthCheckNodePort: 30009",
    "pods that are not ready": "publishNotReadyAddresses: true",
  }),
  ...changing(service, {
    "a port on every node": [
      "spec:\n",
      "spec:\n  type: NodePort\n",
      /spec.type: "NodePort"\. Allowed: `ClusterIP`; `NodePort` of antaeus alone/,
    ],
    "a load balancer": ["spec:\n", "spec:\n  type: LoadBalancer\n", /spec.type: "LoadBalancer"/],
    "a name instead of pods": ["spec:\n", "spec:\n  type: ExternalName\n", /"ExternalName"/],
    "Antaeus' door": [
      "      port: 9000\n",
      "      port: 9000\n      nodePort: 30008\n",
      /nodePort: "30008"\. Allowed: `30008`, of antaeus alone/,
    ],
    "another version of a kind": ["apiVersion: v1", "apiVersion: v2", /apiVersion: "v2"/],
  }),
  ...changing("apps/antaeus/components/backup/deployment.yaml", {
    "another program in Litestream's place": [
      "command: [/litestream]\n          args: [replicate]",
      "command: [/node]\n          args: [replicate]",
      /initContainers\[\]\.command\[\]: "\/node"\. Allowed: `\/litestream`/,
    ],
    "a program that Litestream starts": [
      "args: [replicate]",
      "args: [replicate, -exec, /node]",
      /initContainers\[\]\.args\[\]: "-exec"/,
    ],
    "a backup elsewhere": [
      "args: [replicate]\n          envFrom:\n            - configMapRef:\n                name: antaeus-backup\n",
      "args: [replicate]\n          envFrom:\n            - configMapRef:\n                name: antaeus-mine\n",
      /configMapRef\.name: "antaeus-mine"/,
    ],
    "a third container beside Antaeus": [
      "        - name: backup\n",
      "        - name: mine\n",
      /initContainers\[\]\.name: "mine"/,
    ],
  }),
  ...changing("apps/antaeus/components/backup-folder/deployment.yaml", {
    "a backup that Antaeus' team chose alone": [
      "value: file:///backup\n            - name: BACKUP_MAY",
      "value: s3://mine/antaeus\n            - name: BACKUP_MAY",
      /initContainers\[\]\.env\[\]\.value: "s3:\/\/mine\/antaeus"/,
    ],
  }),
  ...changing("apps/antaeus/base/service.yaml", {
    "another door": ["nodePort: 30008", "nodePort: 30009", /nodePort: "30009"/],
  }),
  ...changing(budget, {
    "a budget that ends no drain": [
      "maxUnavailable: 1",
      "maxUnavailable: 0",
      /spec.maxUnavailable: "0"\. Allowed: 1 to 5/,
    ],
    "a budget of pods that must stay": [
      "maxUnavailable: 1",
      "minAvailable: 100%",
      /spec: no field "minAvailable" here/,
    ],
  }),
  ...changing(autoscaler, {
    "pods without end": ["maxReplicas: 8", "maxReplicas: 800", /maxReplicas: "800"/],
    "an autoscaler of another team": [
      "    kind: Rollout\n    name: payment\n",
      "    kind: Rollout\n    name: antaeus\n",
      /scaleTargetRef.name: "antaeus"/,
    ],
  }),
  ...changing(volume, {
    "a claim of all there is": ["storage: 1Gi", "storage: 100Ti", /storage: "100Ti"/],
    "a claim that the next sync skips": [
      "Prune=false,Delete=false",
      "Prune=false,Delete=false,Skip",
      /sync-options: "Prune=false,Delete=false,Skip"/,
    ],
    "a class of its own": [
      "  accessModes:",
      "  storageClassName: mine\n  accessModes:",
      /no field "storageClassName" here/,
    ],
  }),
];
