/** A part of a file that becomes another one. */
export interface Edit {
  what: string;
  file: string;
  /** The text that is replaced, which the file has exactly once; none makes a new file. */
  from?: string;
  to: string;
}

/** A mistake, or an attack, that a change could merge; and what the rule that finds it says. */
export interface Mutation extends Edit {
  says: RegExp;
}

/**
 * @param text of the file before
 * @returns the text after
 * @throws Error when the edit does not apply: it has to follow the file that it changes
 */
export function edited(text: string, { file, from, to }: Edit): string {
  if (from === undefined) return to;
  const parts = text.split(from);
  if (parts.length === 2) return parts.join(to);
  throw new Error(`${file} has it ${parts.length - 1} times, not once: ${from}`);
}

const payment = "apps/payment/base/deployment.yaml";
const publisher = ".github/workflows/publish.yaml";
const antaeus = "apps/antaeus/base/deployment.yaml";
const service = "apps/payment/base/service.yaml";
const overlay = "apps/payment/overlays/testing/kustomization.yaml";
const volume = "apps/antaeus/base/volume.yaml";
const project = "argocd/projects/payment.yaml";
const settings = "argocd/install/settings.yaml";
const users = "argocd/install/permissions.yaml";
const logins = "clusters/local/argocd/logins.yaml";
const role = "argocd/deployers/team-role.yaml";
const impersonation = "argocd/deployers/impersonation.yaml";
const sync = "clusters/base/sync/application.yaml";
const root = "clusters/base/sync/root.yaml";
const namespace = "clusters/base/namespaces/app-payment/namespace.yaml";
const toPayment = "clusters/base/namespaces/app-payment/network-policies.yaml";
const fromAntaeus = "clusters/base/namespaces/app-antaeus/network-policies.yaml";
const images = "clusters/base/policies/images.yaml";
const owners = ".github/CODEOWNERS";
const workflow = ".github/workflows/test.yaml";

const peer = "              kubernetes.io/metadata.name: app-antaeus\n          podSelector:\n";

/** What each rule of tests/manifests/rules.ts must find, by its title. */
export const mutations: Record<string, Mutation[]> = {
  "nothing in this repository reaches beyond its team": [
    {
      what: "a remote base in a team's folder",
      file: overlay,
      from: "  - ../../base\n",
      to: "  - ../../base\n  - https://github.com/somebody/else//deploy?ref=main\n",
      says: /somebody\/else.* is not in apps\/payment/,
    },
    {
      what: "a role that a team makes itself",
      file: service,
      from: "      targetPort: http\n",
      to: "      targetPort: http\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: x\n",
      says: /Role x: a team may not deploy this kind/,
    },
    {
      what: "a right in another team's project",
      file: project,
      from: "applications, sync, payment/*",
      to: "applications, sync, antaeus/*",
      says: /not a policy: p, proj:payment:team, applications, sync, antaeus/,
    },
  ],

  "every place that has to know a service or an environment does": [
    {
      what: "a service that loses its line in CODEOWNERS",
      file: owners,
      from: "/apps/payment/      @bpesics/payment\n",
      to: "",
      says: /CODEOWNERS has no \/apps\/payment\//,
    },
  ],

  "an Application for each service, and each reads a folder that is there": [
    {
      what: "a service that production does not deploy",
      file: "clusters/production/apps/kustomization.yaml",
      from: "  - payment.yaml\n",
      to: "",
      says: /production: Applications/,
    },
    {
      what: "a folder that is not there",
      file: "clusters/testing/apps/payment.yaml",
      from: "overlays/testing",
      to: "overlays/tseting",
      says: /there is no apps\/payment\/overlays\/tseting/,
    },
  ],

  "Applications sync, heal, prune and retry by themselves, the newest commit first": [
    {
      what: "prune switched off",
      file: sync,
      from: "prune: true",
      to: "prune: false",
      says: /payment syncs: .*"prune":false/,
    },
    {
      what: "self-heal switched off",
      file: sync,
      from: "selfHeal: true",
      to: "selfHeal: false",
      says: /payment syncs: .*"selfHeal":false/,
    },
    {
      what: "auto-sync that may delete everything",
      file: sync,
      from: "selfHeal: true\n",
      to: "selfHeal: true\n      allowEmpty: true\n",
      says: /payment syncs: .*"allowEmpty":true/,
    },
    {
      what: "retries that go on for an older commit",
      file: sync,
      from: "      refresh: true\n",
      to: "",
      says: /payment retries/,
    },
  ],

  "only auto-sync may differ from Git, and only the root looks away": [
    {
      what: "a sync that undoes what the root looks away from",
      file: root,
      from: "      - RespectIgnoreDifferences=true\n",
      to: "",
      says: /root: sync options/,
    },
    {
      what: "the root looking away from all of an Application",
      file: root,
      from: "/spec/syncPolicy/automated",
      to: "/spec",
      says: /root ignores/,
    },
    {
      what: "an Application that looks away from its pods",
      file: "clusters/testing/apps/payment.yaml",
      from: "spec:\n",
      to: "spec:\n  ignoreDifferences:\n    - kind: Deployment\n      group: apps\n      jsonPointers: [/spec]\n",
      says: /payment ignores/,
    },
    {
      what: "two Applications that may share an object",
      file: sync,
      from: "FailOnSharedResource=true",
      to: "FailOnSharedResource=false",
      says: /payment: sync options/,
    },
  ],

  "an Application deleted by mistake leaves everything running": [
    {
      what: "a finalizer on the root",
      file: "clusters/testing/root.yaml",
      from: "  namespace: argocd\nspec:",
      to: "  namespace: argocd\n  finalizers: [resources-finalizer.argocd.argoproj.io]\nspec:",
      says: /finalizers of root/,
    },
  ],

  "a service belongs to its team alone, and so does what it is on Kubernetes": [
    {
      what: "a service given to another team",
      file: owners,
      from: "/payment-service/   @bpesics/payment",
      to: "/payment-service/   @bpesics/antaeus",
      says: /payment-service\/package.json: \["@bpesics\/antaeus"\]/,
    },
  ],

  "what makes an administrator of the cluster belongs to the platform team alone": [
    {
      what: "the clusters given to everybody",
      file: owners,
      from: "/antaeus-service/   @bpesics/antaeus\n",
      to: "/antaeus-service/   @bpesics/antaeus\n/clusters/   @bpesics/antaeus @bpesics/payment\n",
      says: /clusters\/testing\/root.yaml: \["@bpesics\/antaeus","@bpesics\/payment"\]/,
    },
  ],

  "each folder of the repository has one owner, and each line of CODEOWNERS a file": [
    {
      what: "a misspelt folder in CODEOWNERS",
      file: owners,
      from: "/apps/antaeus/ ",
      to: "/apps/antaues/ ",
      says: /\/apps\/antaues\/: there is no such file/,
    },
  ],

  "the default of CODEOWNERS comes first: after the others it would win over them": [
    {
      what: "a rule before the default",
      file: owners,
      from: "*                   @bpesics/platform\n",
      to: "/docs/   @bpesics/payment\n*                   @bpesics/platform\n",
      says: /the first pattern: "\/docs\/"/,
    },
  ],

  "a team's deployer may deploy its kinds, look at what the UI shows, and nothing more": [
    {
      what: "a verb more",
      file: role,
      from: "    resources: [replicasets]\n    verbs: [get, list, watch]",
      to: "    resources: [replicasets]\n    verbs: [get, list, watch, delete]",
      says: /"apps\/replicasets":\["delete",/,
    },
    {
      what: "Secrets",
      file: role,
      from: "resources: [events, pods, pods/log]",
      to: "resources: [events, pods, pods/log, secrets]",
      says: /"\/secrets"/,
    },
    {
      what: "shells in pods",
      file: role,
      from: "resources: [deployments]",
      to: 'resources: [deployments]\n    verbs: [get]\n  - apiGroups: [""]\n    resources: [pods/exec]',
      says: /"\/pods\/exec"/,
    },
  ],

  "every role is bound where it is meant to be, to whom, and to nobody else": [
    {
      what: "a team's deployer in another team's namespace",
      file: "clusters/base/namespaces/app-payment/deployer.yaml",
      from: "    name: payment\n",
      to: "    name: antaeus\n",
      says: /argocd-deployers\/antaeus has argocd-deployer-team in app-payment/,
    },
    {
      what: "a team's deployer as administrator of its namespace",
      file: "clusters/base/namespaces/app-payment/deployer.yaml",
      from: "name: argocd-deployer-team",
      to: "name: admin",
      says: /argocd-deployers\/payment has admin in app-payment/,
    },
    {
      what: "another role for whoever asks",
      file: "clusters/base/namespaces/app-payment/issuer.yaml",
      from: "name: system:service-account-issuer-discovery",
      to: "name: view",
      says: /system:unauthenticated has view in the cluster/,
    },
  ],

  "Argo CD's server acts as the deployers, and as nobody else": [
    {
      what: "impersonation of another account",
      file: impersonation,
      from: "platform]",
      to: "platform, default]",
      says: /"default"/,
    },
    {
      what: "impersonation of any account",
      file: impersonation,
      from: "    resourceNames: [",
      to: "    # [",
      says: /argocd-server-impersonation: \[\{"apiGroups":\[""\],"resources":\["serviceaccounts"\],"verbs":\["impersonate"\]\}\]/,
    },
  ],

  "no role of ours has a wildcard, and no account a token that nobody asked for": [
    {
      what: "every verb for a team's deployer",
      file: role,
      from: "    resources: [deployments]\n    verbs: [get, list, watch, create, update, patch, delete]",
      to: '    resources: [deployments]\n    verbs: ["*"]',
      says: /ClusterRole argocd-deployer-team: a wildcard/,
    },
    {
      what: "Antaeus' account in every pod that runs as it",
      file: "apps/antaeus/base/service-account.yaml",
      from: "automountServiceAccountToken: false",
      to: "automountServiceAccountToken: true",
      says: /ServiceAccount antaeus: mounts its token/,
    },
  ],

  "every manifest file is listed by a kustomization": [
    {
      what: "a manifest that nothing lists",
      file: "apps/payment/base/budget.yaml",
      to: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: payment\n",
      says: /apps\/payment\/base\/budget.yaml: no kustomization lists it/,
    },
    {
      what: "network policies that are listed no more",
      file: "clusters/base/namespaces/app-payment/kustomization.yaml",
      from: "  - network-policies.yaml\n",
      to: "",
      says: /network-policies.yaml: no kustomization lists it/,
    },
  ],

  "every folder is used: by another one, by an Application, or by a command": [
    {
      what: "a folder that is listed no more",
      file: "clusters/base/namespaces/kustomization.yaml",
      from: "  - app-payment\n",
      to: "",
      says: /clusters\/base\/namespaces\/app-payment: nothing uses it/,
    },
  ],

  "the repository's URL is said in one place": [
    {
      what: "the URL in an Application",
      file: "clusters/testing/apps/payment.yaml",
      from: "  source:\n",
      to: "  source:\n    repoURL: https://github.com/bpesics/pe-gitops.git\n",
      says: /clusters\/testing\/apps\/payment.yaml/,
    },
  ],

  "one version of each tool and of Argo CD everywhere": [
    {
      what: "a Kustomize that Argo CD has not",
      file: ".tool-versions",
      from: "kustomize ",
      to: "kustomize 4.",
      says: /the Kustomize that renders here, beside Argo CD v.*: "4\./,
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

  "the ports that kind opens are those of Services, each of one": [
    {
      what: "a port of the node that is Argo CD's already",
      file: "apps/antaeus/base/service.yaml",
      from: "nodePort: 30008",
      to: "nodePort: 30080",
      says: /testing: ports: \[30080,30080\]/,
    },
  ],

  "every image is pinned": [
    {
      what: "the newest of an image",
      file: "clusters/local/kind.yaml",
      from: "kindest/node:",
      to: "kindest/node:latest # ",
      says: /kindest\/node:latest is not pinned/,
    },
    {
      what: "a second container of any version",
      file: payment,
      from: "      containers:\n",
      to: "      containers:\n        - name: proxy\n          image: envoyproxy/envoy:latest\n",
      says: /envoyproxy\/envoy:latest is not pinned/,
    },
  ],

  "each overlay says which image of its service runs, and one that was built by its digest": [
    {
      what: "no digest",
      file: overlay,
      from: "    digest: sha256:",
      to: "    # sha256:",
      says: /apps\/payment\/overlays\/testing: no digest/,
    },
    {
      what: "the newest image",
      file: overlay,
      from: "    newTag: ",
      to: "    newTag: latest # ",
      says: /latest is no tag of a build/,
    },
    {
      what: "another registry's image",
      file: overlay,
      from: "    newTag: ",
      to: "    newName: docker.io/somebody/payment\n    newTag: ",
      says: /other fields: \["newName"\]/,
    },
  ],

  "the API server refuses every image that is not ours, or not by its digest": [
    {
      what: "a refusal that is only written down",
      file: images,
      from: "[Deny, Audit]",
      to: "[Audit]",
      says: /testing: binding: .*\["Audit"\]/,
    },
    {
      what: "a policy that fails open",
      file: images,
      from: "failurePolicy: Fail",
      to: "failurePolicy: Ignore",
      says: /testing: policy: "Ignore"/,
    },
    {
      what: "everybody's images",
      file: images,
      from: "ghcr[.]io/bpesics/",
      to: "ghcr[.]io/[a-z]+/",
      says: /ghcr.io\/somebody\/pe-payment@sha256:0+ is let in/,
    },
    {
      what: "tags",
      file: images,
      from: "@sha256:[0-9a-f]{64}$",
      to: "(@sha256:[0-9a-f]{64})?$",
      says: /an image without a digest is let in/,
    },
  ],

  "every service has a namespace of its own, restricted and never pruned": [
    {
      what: "a looser level",
      file: namespace,
      from: "enforce: restricted",
      to: "enforce: baseline",
      says: /the level of app-payment: \["baseline"/,
    },
    {
      what: "whatever level a later Kubernetes has",
      file: namespace,
      from: "pod-security.kubernetes.io/enforce-version",
      to: "somebody.example/enforce-version",
      says: /the level of app-payment/,
    },
    {
      what: "a namespace that is pruned, with all that is in it",
      file: namespace,
      from: "    argocd.argoproj.io/sync-options: Prune=false,Delete=false\n",
      to: "    a: b\n",
      says: /app-payment: undefined, not "Prune=false,Delete=false"/,
    },
  ],

  "quotas open no more doors than the services have": [
    {
      what: "a door from outside to payment",
      file: "clusters/base/namespaces/app-payment/quota.yaml",
      from: 'services.nodeports: "0"',
      to: 'services.nodeports: "1"',
      says: /the quota of payment/,
    },
    {
      what: "pods without end",
      file: "clusters/base/namespaces/app-payment/quota.yaml",
      from: '    pods: "20"\n',
      to: "",
      says: /payment may make pods without end/,
    },
  ],

  "the network policies make the table of tests/access/network.ts": [
    {
      what: "this namespace or these pods, instead of these pods in this namespace",
      file: toPayment,
      from: peer,
      to: peer.replace("          podSelector", "        - podSelector"),
      says: /a stranger in app-antaeus → payment:9000 may enter/,
    },
    {
      what: "a wrong label of the caller",
      file: toPayment,
      from: "              app.kubernetes.io/name: antaeus\n",
      to: "              app: antaeus\n",
      says: /Antaeus → payment:9000 is closed/,
    },
    {
      what: "any pod of that namespace",
      file: toPayment,
      from: "          podSelector:\n            matchLabels:\n              app.kubernetes.io/name: antaeus\n",
      to: "",
      says: /a stranger in app-antaeus → payment:9000 may enter/,
    },
    {
      what: "the caller's egress to another port",
      file: fromAntaeus,
      from: "port: 9000",
      to: "port: 9001",
      says: /Antaeus → payment:9000 is closed/,
    },
    {
      what: "every egress of Antaeus open",
      file: fromAntaeus,
      from: "  policyTypes: [Egress]\n  egress:\n    - to:\n        # One item",
      to: "  policyTypes: [Egress]\n  egress:\n    - {}\n    - to:\n        # One item",
      says: /Antaeus → outside of the cluster is open/,
    },
    {
      what: "the whole of payment's API server policy, for any port",
      file: toPayment,
      from: "      ports:\n        - protocol: TCP\n          port: 6443\n",
      to: "",
      says: /payment → outside of the cluster is open/,
    },
    {
      what: "names that nobody resolves",
      file: fromAntaeus,
      from: "k8s-app: kube-dns",
      to: "k8s-app: coredns",
      says: /Antaeus → DNS is closed/,
    },
    {
      what: "scrapers of any label",
      file: toPayment,
      from: '          podSelector:\n            matchLabels:\n              metrics-scraper: "true"\n',
      to: "",
      says: /its neighbour without the label → payment:9000 is open/,
    },
    {
      what: "pods that their policies do not select",
      file: "apps/payment/base/kustomization.yaml",
      from: "app.kubernetes.io/name: payment",
      to: "app.kubernetes.io/name: payments",
      says: /payment → the API server is closed/,
    },
  ],

  "what no policy names is closed, in each service's namespace, in both directions": [
    {
      what: "the default of ingress dropped",
      file: toPayment,
      from: "policyTypes: [Ingress, Egress]",
      to: "policyTypes: [Egress]",
      says: /app-payment closes: \["Egress"\]/,
    },
    {
      what: "the default for some pods only",
      file: fromAntaeus,
      from: "  podSelector: {}\n  policyTypes: [Ingress, Egress]",
      to: "  podSelector: {matchLabels: {a: b}}\n  policyTypes: [Ingress, Egress]",
      says: /app-antaeus closes: \[\]/,
    },
  ],

  "Argo CD's settings and projects make the table of tests/access/permissions.ts": [
    {
      what: "everybody may look",
      file: users,
      from: 'policy.default: ""',
      to: "policy.default: role:readonly",
      says: /nobody may see the application \(payment\)/,
    },
    {
      what: "a role for another team's group",
      file: project,
      from: "        - payment\n",
      to: "        - antaeus\n",
      says: /antaeus may sync to what Git says \(payment\)/,
    },
    {
      what: "a team that deletes its application",
      file: project,
      from: "applications, rollback, payment/*, allow",
      to: "applications, *, payment/*, allow",
      says: /payment may delete the application \(payment\)/,
    },
    {
      what: "a rollback that the team may not make",
      file: project,
      from: "        - p, proj:payment:team, applications, rollback, payment/*, allow\n",
      to: "",
      says: /payment may not roll back \(payment\)/,
    },
    {
      what: "a sync of any revision",
      file: settings,
      from: 'requireOverridePrivilegeForRevisionSync: "true"',
      to: 'requireOverridePrivilegeForRevisionSync: "false"',
      says: /payment may sync to another revision \(payment\)/,
    },
    {
      what: "shells in pods, for administrators",
      file: settings,
      from: 'exec.enabled: "false"',
      to: 'exec.enabled: "true"',
      says: /platform may open a shell in a pod/,
    },
    {
      what: "a login in another team's role",
      file: logins,
      from: "g, local-payment, proj:payment:team",
      to: "g, local-payment, proj:antaeus:team",
      says: /local-payment may see the application \(antaeus\)/,
    },
  ],

  "only the platform's group is everywhere, and only a laptop has other users": [
    {
      what: "another group of administrators",
      file: users,
      from: "    g, platform, role:admin\n",
      to: "    g, platform, role:admin\n    g, on-call, role:admin\n",
      says: /argocd-rbac-cm.*on-call/,
    },
    {
      what: "patterns of another kind",
      file: users,
      from: "policy.matchMode: glob",
      to: "policy.matchMode: regex",
      says: /argocd-rbac-cm.*regex/,
    },
    {
      what: "a login called as a group is",
      file: logins,
      from: "accounts.local-nobody: login",
      to: "accounts.platform: login",
      says: /a laptop's users: .*"platform"/,
    },
  ],

  "Argo CD's settings close what nobody needs": [
    {
      what: "Argo CD's own account deploys everything",
      file: settings,
      from: 'impersonation.enabled: "true"',
      to: 'impersonation.enabled: "false"',
      says: /application.sync.impersonation.enabled: "false"/,
    },
    {
      what: "a sync that implies rollback",
      file: settings,
      from: '  server.rbac.rollback.enforce.enable: "true"\n',
      to: "",
      says: /server.rbac.rollback.enforce.enable: undefined/,
    },
    {
      what: "a sync that deletes what it should update",
      file: "argocd/install/server.yaml",
      from: "--sync-with-replace-allowed=false",
      to: "--sync-with-replace-allowed=true",
      says: /argocd-server: .*"--sync-with-replace-allowed=true"/,
    },
    {
      what: "one environment that has it its own way",
      file: "clusters/production/argocd/kustomization.yaml",
      from: "  - ../../../argocd\n",
      to: '  - ../../../argocd\npatches:\n  - target: {kind: ConfigMap, name: argocd-cm}\n    patch: |-\n      - op: replace\n        path: /data/exec.enabled\n        value: "true"\n',
      says: /production: argocd-cm: exec.enabled: "true"/,
    },
  ],

  "the root's health is that of the Applications that it made": [
    {
      what: "a root that is Healthy whatever happens",
      file: settings,
      from: "obj.status and obj.status.health or {}",
      to: '{ status = "Healthy" }',
      says: /no health of an Application/,
    },
  ],

  "every pod is restricted": [
    {
      what: "root",
      file: payment,
      from: "        runAsNonRoot: true\n",
      to: "",
      says: /Deployment payment may run as root/,
    },
    {
      what: "a capability",
      file: payment,
      from: "drop: [ALL]",
      to: "drop: [ALL]\n              add: [NET_ADMIN]",
      says: /payment, payment: .*NET_ADMIN/,
    },
    {
      what: "a file system that can be written",
      file: payment,
      from: "readOnlyRootFilesystem: true",
      to: "readOnlyRootFilesystem: false",
      says: /"readOnlyRootFilesystem":false/,
    },
    {
      what: "the node's network, which no policy closes",
      file: payment,
      from: "      enableServiceLinks: false\n",
      to: "      enableServiceLinks: false\n      hostNetwork: true\n",
      says: /has hostNetwork/,
    },
    {
      what: "a token for the API server in the pod",
      file: antaeus,
      from: "automountServiceAccountToken: false",
      to: "automountServiceAccountToken: true",
      says: /Deployment antaeus: token: true/,
    },
    {
      what: "any call to the kernel",
      file: payment,
      from: "type: RuntimeDefault",
      to: "type: Unconfined",
      says: /seccomp: .*Unconfined/,
    },
  ],

  "every container is probed at a port that it opens": [
    {
      what: "no readiness probe",
      file: payment,
      from: "readinessProbe:",
      to: "terminationMessagePolicy: File\n          lifecycle:\n            postStart:",
      says: /payment, payment: no readinessProbe/,
    },
    {
      what: "probes of a port that is not there",
      file: payment,
      from: "- name: http\n              containerPort: 9000",
      to: "- name: web\n              containerPort: 9000",
      says: /payment, payment: no livenessProbe at one of its ports/,
    },
  ],

  "every container asks for what it needs, and is limited": [
    {
      what: "no limits",
      file: payment,
      from: '            limits:\n              cpu: "1"\n              memory: 192Mi\n',
      to: "",
      says: /payment, payment: no limits of memory/,
    },
    {
      what: "no request of memory",
      file: antaeus,
      from: "              memory: 128Mi\n",
      to: "",
      says: /antaeus, antaeus: no requests of memory/,
    },
  ],

  "a new version takes over without a gap, and one that writes a volume alone": [
    {
      what: "a pod less while versions change",
      file: payment,
      from: "maxUnavailable: 0",
      to: "maxUnavailable: 1",
      says: /payment: maxUnavailable: 1, not 0/,
    },
    {
      what: "two pods that write one database",
      file: antaeus,
      from: "    type: Recreate\n",
      to: "    type: RollingUpdate\n",
      says: /antaeus: pods that write: \[1,"RollingUpdate"\]/,
    },
    {
      what: "pods that are killed amid charges",
      file: payment,
      from: "terminationGracePeriodSeconds: 30",
      to: "terminationGracePeriodSeconds: 5",
      says: /payment: a pod is killed before it finished/,
    },
  ],

  "what is scaled by an autoscaler has no number of replicas": [
    {
      what: "a number in Git against the autoscaler",
      file: payment,
      from: "spec:\n  revisionHistoryLimit",
      to: "spec:\n  replicas: 2\n  revisionHistoryLimit",
      says: /payment has 2 replicas in Git and 1 autoscalers/,
    },
    {
      what: "no autoscaler, and so one pod",
      file: "apps/payment/base/kustomization.yaml",
      from: "  - autoscaler.yaml\n",
      to: "",
      says: /payment has undefined replicas in Git and 0 autoscalers/,
    },
  ],

  "a drain leaves a pod of what is scaled": [
    {
      what: "one pod",
      file: "apps/payment/base/autoscaler.yaml",
      from: "minReplicas: 2",
      to: "minReplicas: 1",
      says: /one pod of payment may be all of them/,
    },
    {
      what: "a budget of other pods",
      file: "apps/payment/base/disruption-budget.yaml",
      from: "      app.kubernetes.io/name: payment",
      to: "      app.kubernetes.io/component: payment",
      says: /a drain may take every pod of payment/,
    },
    {
      what: "two pods at once",
      file: "apps/payment/base/disruption-budget.yaml",
      from: "maxUnavailable: 1",
      to: "maxUnavailable: 2",
      says: /payment without: 2, not 1/,
    },
  ],

  "a changed value is another ConfigMap, so that the pods roll": [
    {
      what: "no hash of the content",
      file: "apps/payment/base/kustomization.yaml",
      from: "configMapGenerator:\n",
      to: "generatorOptions:\n  disableNameSuffixHash: true\nconfigMapGenerator:\n",
      says: /payment-config-env has no hash/,
    },
  ],

  "invoices outlive the manifest of their volume": [
    {
      what: "a volume that is pruned",
      file: volume,
      from: "Prune=false,Delete=false",
      to: "Delete=false",
      says: /volume antaeus: "Delete=false"/,
    },
  ],

  "a team's project is its namespace, its kinds, its deployer and its group, and nothing more": [
    {
      what: "every namespace of the services",
      file: project,
      from: "  destinations:\n    - server: https://kubernetes.default.svc\n      namespace: app-payment",
      to: "  destinations:\n    - server: https://kubernetes.default.svc\n      namespace: app-*",
      says: /payment: everything else: .*app-\*/,
    },
    {
      what: "a kind more",
      file: project,
      from: "    - group: apps\n      kind: ReplicaSet\n",
      to: "    - group: apps\n      kind: ReplicaSet\n    - group: networking.k8s.io\n      kind: NetworkPolicy\n",
      says: /payment: kinds: .*NetworkPolicy/,
    },
    {
      what: "a kind of the whole cluster",
      file: project,
      from: "clusterResourceWhitelist: []",
      to: 'clusterResourceWhitelist: [{group: "*", kind: "*"}]',
      says: /payment: everything else: .*"kind":"\*"/,
    },
    {
      what: "the platform's deployer",
      file: project,
      from: "argocd-deployers:payment",
      to: "argocd-deployers:platform",
      says: /payment: everything else: .*argocd-deployers:platform/,
    },
    {
      what: "another repository",
      file: "clusters/repository/kustomization.yaml",
      from: "value: [https://github.com/bpesics/pe-gitops.git]",
      to: 'value: [https://github.com/bpesics/pe-gitops.git, "*"]',
      says: /payment: everything else: .*"sourceRepos":2/,
    },
  ],

  "the platform's projects allow the kinds that they deploy, and no others": [
    {
      what: "roles of the whole cluster",
      file: "argocd/projects/platform.yaml",
      from: "    - group: rbac.authorization.k8s.io\n      kind: RoleBinding\n",
      to: "    - group: rbac.authorization.k8s.io\n      kind: RoleBinding\n    - group: rbac.authorization.k8s.io\n      kind: Role\n",
      says: /testing: platform: kinds: .*\/Role"/,
    },
    {
      what: "a binding of any name",
      file: "argocd/projects/platform.yaml",
      from: "      name: issuer-keys-for-anyone\n",
      to: "",
      says: /testing: platform: cluster's names/,
    },
    {
      what: "roles of any name for Argo CD",
      file: "argocd/projects/argocd.yaml",
      from: "      kind: ClusterRole\n      name: argocd-*\n",
      to: "      kind: ClusterRole\n",
      says: /testing: argocd: cluster's names/,
    },
  ],

  "nothing may use the default project": [
    {
      what: "the default project opened",
      file: "argocd/projects/default.yaml",
      from: "  destinations: []",
      to: '  destinations: [{server: "*", namespace: "*"}]',
      says: /testing: default/,
    },
  ],

  "nothing is ever pruned that would take everything else along": [
    {
      what: "CRDs that are pruned",
      file: "argocd/kustomization.yaml",
      from: "CustomResourceDefinition|Namespace",
      to: "Namespace",
      says: /CustomResourceDefinition applications.argoproj.io: undefined/,
    },
    {
      what: "projects that are pruned",
      file: "argocd/projects/kustomization.yaml",
      from: "Prune=false,Delete=false",
      to: "Delete=false",
      says: /AppProject payment: "Delete=false"/,
    },
  ],

  "every Service leads to pods, and every name in a pod to an object": [
    {
      what: "a port of the pod under another name",
      file: service,
      from: "targetPort: http",
      to: "targetPort: web",
      says: /dead ports of payment: \["web"\]/,
    },
    {
      what: "a volume that nobody makes",
      file: antaeus,
      from: "claimName: antaeus",
      to: "claimName: invoices",
      says: /antaeus wants PersistentVolumeClaim invoices/,
    },
  ],

  "Antaeus calls payment where it is, as whom payment believes": [
    {
      what: "a token for somebody else",
      file: antaeus,
      from: "audience: payment",
      to: "audience: payments",
      says: /the token's audience: "payments"/,
    },
    {
      what: "any account of that namespace",
      file: "apps/payment/components/known-caller/kustomization.yaml",
      from: "app-antaeus:antaeus",
      to: "app-antaeus:default",
      says: /whom payment believes: "system:serviceaccount:app-antaeus:default"/,
    },
    {
      what: "payment on another port",
      file: service,
      from: "port: 9000",
      to: "port: 80",
      says: /Antaeus' endpoint: .*:9000\/.*, not .*:80\//,
    },
  ],

  "actions are pinned by commit, and say which version that is": [
    {
      what: "an action by its tag",
      file: ".github/workflows/preview.yaml",
      from: "actions/upload-artifact@",
      to: "actions/upload-artifact@v6 # ",
      says: /actions\/upload-artifact@v6 .*: no commit/,
    },
  ],

  "workflows may read, and a job that writes is known": [
    {
      what: "every job may write",
      file: workflow,
      from: "  contents: read",
      to: "  contents: write",
      says: /permissions for all jobs: .*write/,
    },
    {
      what: "a job that reads what was changed may write",
      file: ".github/workflows/preview.yaml",
      from: "    timeout-minutes: 10\n    permissions:\n      contents: read",
      to: "    timeout-minutes: 10\n    permissions:\n      contents: write",
      says: /preview.yaml: render writes: \["contents"\]/,
    },
  ],

  "no step but the checkout has the token, and no fork runs with the rights of main": [
    {
      what: "a token left behind",
      file: ".github/workflows/preview.yaml",
      from: "          fetch-depth: 0\n          persist-credentials: false\n",
      to: "          fetch-depth: 0\n",
      says: /preview.yaml: render: the checkout leaves its token/,
    },
    {
      what: "forks with the rights of main",
      file: workflow,
      from: "  pull_request:\n",
      to: "  pull_request_target:\n",
      says: /test.yaml: pull_request_target/,
    },
  ],

  "jobs end in time, on a machine that stays the same": [
    {
      what: "a job without an end",
      file: workflow,
      from: "    timeout-minutes: 60\n",
      to: "",
      says: /cluster may run for hours/,
    },
    {
      what: "whatever machine is the newest",
      file: workflow,
      from: "  test:\n    runs-on: ubuntu-",
      to: "  test:\n    runs-on: ubuntu-latest # ",
      says: /test runs on ubuntu-latest/,
    },
    {
      what: "whatever machine is the newest, in a matrix",
      file: publisher,
      from: "-arm\n",
      to: "-latest\n",
      says: /build runs on ubuntu-.*-latest/,
    },
  ],

  "images are published from main alone, each to the end, and bumped by who may": [
    {
      what: "images of pull requests",
      file: publisher,
      from: "name: publish\non:\n",
      to: "name: publish\non:\n  pull_request:\n",
      says: /it starts: .*pull_request/,
    },
    {
      what: "images of a branch, by hand",
      file: publisher,
      from: "    if: github.ref == 'refs/heads/main'\n",
      to: "",
      says: /by hand: /,
    },
    {
      what: "a bump of what is not signed yet",
      file: publisher,
      from: "needs: [test, publish]",
      to: "needs: test",
      says: /in this order: /,
    },
    {
      what: "a merge that ends the run of the one before",
      file: publisher,
      from: "cancel-in-progress: false",
      to: "cancel-in-progress: true",
      says: /a newer run ends it: true/,
    },
    {
      what: "a service whose failure ends another's",
      file: publisher,
      from: "    needs: test\n    strategy:\n      fail-fast: false\n",
      to: "    needs: test\n    strategy:\n",
      says: /another service ends it: undefined/,
    },
    {
      what: "a key that every branch gets",
      file: publisher,
      from: "    environment: bump\n",
      to: "",
      says: /who has the App's key: undefined/,
    },
  ],

  "CI runs the same words as people: all that .ci/run does, and nothing but targets of make": [
    {
      what: "tests that CI does not run",
      file: workflow,
      from: "      - run: make test\n",
      to: "",
      says: /test.yaml does not make test/,
    },
    {
      what: "a target that is not there",
      file: workflow,
      from: "make pay",
      to: "make payment",
      says: /no target is make payment/,
    },
  ],
};
