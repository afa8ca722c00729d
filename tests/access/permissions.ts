/** Whom a right is about: the team of an application, another team, the platform, and a login in no team. */
export type Who = "own team" | "another team" | "platform" | "no team";

/** A call of Argo CD's API that needs the right, and does no harm where it is allowed. */
export interface Call {
  method: string;
  path: string;
  body?: unknown;
}

/** An application as the calls need it. */
export interface Target {
  name: string;
  project: string;
  namespace: string;
  /** Its present spec and its project, as the API gives them. */
  spec: object;
  appProject: object;
}

interface Permission {
  /** What one may do, in words. */
  action: string;
  /** What Argo CD then asks its RBAC for: a resource and an action. */
  right: `${string} ${string}`;
  allowed: Who[];
  call(target: Target): Call;
}

const team: Who[] = ["own team", "platform"];
const platform: Who[] = ["platform"];

const missing = ({ namespace }: Target) => ({
  namespace,
  resourceName: "no-such-deployment",
  group: "apps",
  version: "v1",
  kind: "Deployment",
});

const action = (target: Target, action: string, resource: object = {}): Call => ({
  method: "POST",
  path: `applications/${target.name}/resource/actions/v2`,
  body: { name: target.name, ...missing(target), ...resource, action },
});

const rollout = {
  resourceName: "no-such-rollout",
  group: "argoproj.io",
  version: "v1alpha1",
  kind: "Rollout",
};
const cronJob = { resourceName: "no-such-cron-job", group: "batch", kind: "CronJob" };

const sync = ({ name }: Target, request: object): Call => ({
  method: "POST",
  path: `applications/${name}/sync`,
  body: { name, dryRun: true, ...request },
});

const kustomize: Record<string, unknown> = {
  images: ["payment=elsewhere"],
  components: ["elsewhere"],
  commonAnnotations: { a: "b" },
  patches: [{ patch: "elsewhere" }],
};

/**
 * Who may do what in Argo CD: the one table. The end-to-end tests try every cell of it, and a cell that
 * answers otherwise, either way, is a failure.
 *
 * A call that is allowed may still fail for another reason than permission; where it would change
 * something, it is made so that it does.
 */
export const permissions: Permission[] = [
  {
    action: "see the application",
    right: "applications get",
    allowed: team,
    call: ({ name }) => ({ method: "GET", path: `applications/${name}` }),
  },
  {
    action: "read its logs",
    right: "logs get",
    allowed: team,
    call: ({ name, namespace }) => ({
      method: "GET",
      path: `applications/${name}/logs?namespace=${namespace}&podName=none&container=none&follow=false`,
    }),
  },
  {
    action: "sync to what Git says",
    right: "applications sync",
    allowed: team,
    call: (target) => sync(target, { revision: "main" }),
  },
  {
    action: "sync to another revision",
    right: "applications override",
    allowed: platform,
    call: (target) => sync(target, { revision: "HEAD" }),
  },
  {
    action: "roll back",
    right: "applications rollback",
    allowed: team,
    // Auto-sync is on, so nobody's rollback begins.
    call: ({ name }) => ({
      method: "POST",
      path: `applications/${name}/rollback`,
      body: { name, id: 0, dryRun: true },
    }),
  },
  {
    action: "switch auto-sync off and on",
    right: "applications update",
    allowed: team,
    // An update; the same spec changes nothing.
    call: ({ name, spec }) => ({ method: "PUT", path: `applications/${name}/spec`, body: spec }),
  },
  {
    action: "move it to another project",
    right: "applications create",
    allowed: platform,
    // There is no such project, so that it stays where it is.
    call: ({ name, spec }) => ({
      method: "PUT",
      path: `applications/${name}/spec`,
      body: { ...spec, project: "no-such-project" },
    }),
  },
  {
    action: "restart its Deployment",
    right: "applications action/apps/Deployment/restart",
    allowed: team,
    call: (target) => action(target, "restart"),
  },
  ...(
    [
      ["end its release, and go back", "abort"],
      ["release it without a further look", "promote-full"],
      ["let a release go on that nobody could judge", "resume"],
      ["try a release again that was ended", "retry"],
    ] as const
  ).map(
    ([what, name]): Permission => ({
      action: what,
      right: `applications action/argoproj.io/Rollout/${name}`,
      allowed: team,
      call: (target) => action(target, name, rollout),
    }),
  ),
  {
    action: "start its CronJob's Job now",
    right: "applications action/batch/CronJob/create-job",
    allowed: team,
    call: (target) => action(target, "create-job", cronJob),
  },
  {
    action: "suspend its CronJob",
    right: "applications action/batch/CronJob/suspend",
    allowed: team,
    call: (target) => action(target, "suspend", cronJob),
  },
  {
    action: "resume its CronJob",
    right: "applications action/batch/CronJob/resume",
    allowed: team,
    call: (target) => action(target, "resume", cronJob),
  },
  {
    action: "delete one of its resources",
    right: "applications delete/apps/Deployment/namespace/name",
    allowed: platform,
    call: (target) => ({
      method: "DELETE",
      path: `applications/${target.name}/resource?${new URLSearchParams(missing(target))}`,
    }),
  },
  {
    action: "end a sync under way",
    right: "applications sync",
    allowed: team,
    call: ({ name }) => ({ method: "DELETE", path: `applications/${name}/operation` }),
  },
  {
    action: "open a shell in a pod",
    right: "exec create",
    allowed: [],
    call: ({ name, project, namespace }) => ({
      method: "GET",
      path: `/terminal?${new URLSearchParams({ pod: "x", container: "x", appName: name, projectName: project, namespace })}`,
    }),
  },
  {
    action: "delete the application",
    right: "applications delete",
    allowed: platform,
    // The two parameters exclude each other, which Argo CD says after it has checked the permission.
    call: ({ name }) => ({
      method: "DELETE",
      path: `applications/${name}?cascade=false&propagationPolicy=foreground`,
    }),
  },
  {
    action: "create an application in the project",
    right: "applications create",
    allowed: platform,
    // No project allows this destination.
    call: ({ project, spec }) => ({
      method: "POST",
      path: "applications",
      body: {
        metadata: { name: "no-such-application" },
        spec: { ...spec, project, destination: { name: "no-such-cluster", namespace: "none" } },
      },
    }),
  },
  {
    action: "see the project",
    right: "projects get",
    allowed: team,
    call: ({ project }) => ({ method: "GET", path: `projects/${project}` }),
  },
  {
    action: "change the project",
    right: "projects update",
    allowed: platform,
    call: ({ project, appProject }) => ({
      method: "PUT",
      path: `projects/${project}`,
      body: { project: appProject },
    }),
  },
  {
    action: "delete the project",
    right: "projects delete",
    allowed: platform,
    // It has applications, so it stays.
    call: ({ project }) => ({ method: "DELETE", path: `projects/${project}` }),
  },
  {
    action: "see the cluster",
    right: "clusters get",
    allowed: platform,
    call: () => ({ method: "GET", path: "clusters/https%3A%2F%2Fkubernetes.default.svc" }),
  },
  {
    action: "change the cluster",
    right: "clusters update",
    allowed: platform,
    call: () => ({
      method: "POST",
      path: "clusters/https%3A%2F%2Fkubernetes.default.svc/invalidate-cache",
      body: {},
    }),
  },
  {
    action: "add a repository",
    right: "repositories create",
    allowed: platform,
    // Without credentials and without a name nothing is stored.
    call: () => ({ method: "POST", path: "repositories", body: { repo: "" } }),
  },
  {
    action: "add a repository to write to",
    right: "write-repositories create",
    // Argo CD's hydrator, which would write, is off.
    allowed: [],
    call: () => ({ method: "POST", path: "write-repositories", body: { repo: "" } }),
  },
  {
    action: "add a certificate of a Git host",
    right: "certificates create",
    allowed: platform,
    call: () => ({ method: "POST", path: "certificates", body: { items: [] } }),
  },
  {
    action: "add a key that signs commits",
    right: "gpgkeys create",
    allowed: platform,
    call: () => ({ method: "POST", path: "gpgkeys", body: { keydata: "" } }),
  },
  {
    action: "change another account's password",
    right: "accounts update",
    allowed: platform,
    call: () => ({
      method: "PUT",
      path: "account/password",
      body: { name: "admin", currentPassword: "wrong", newPassword: "wrong as well" },
    }),
  },
];

interface Refused {
  /** What nobody may do by Argo CD's API, in words. */
  action: string;
  /** A merge patch of the Application. */
  patch?: Record<string, unknown>;
  /** What a sync asks for besides. */
  sync?: Record<string, unknown>;
}

/**
 * What the admission policy `applications` refuses to everybody who may update or sync an Application: it comes
 * from Git. The end-to-end tests try each as the Application's team and as the platform.
 */
export const refused: Refused[] = [
  ...["path", "targetRevision", "repoURL"].map((field) => ({
    action: `change spec.source.${field}`,
    patch: { spec: { source: { [field]: "elsewhere" } } },
  })),
  ...["images", "components", "commonAnnotations", "patches"].map((field) => ({
    action: `set spec.source.kustomize.${field}`,
    patch: { spec: { source: { kustomize: { [field]: kustomize[field] } } } },
  })),
  {
    action: "set spec.source.directory",
    patch: { spec: { source: { directory: { recurse: true } } } },
  },
  { action: "set spec.sources", patch: { spec: { sources: [{ targetRevision: "elsewhere" }] } } },
  { action: "change spec.destination", patch: { spec: { destination: { namespace: "default" } } } },
  { action: "set spec.info", patch: { spec: { info: [{ name: "a", value: "b" }] } } },
  {
    action: "set spec.ignoreDifferences",
    patch: { spec: { ignoreDifferences: [{ kind: "Service", jsonPointers: ["/spec"] }] } },
  },
  { action: "set spec.revisionHistoryLimit", patch: { spec: { revisionHistoryLimit: 5 } } },
  {
    action: "change spec.syncPolicy.retry",
    patch: { spec: { syncPolicy: { retry: { limit: 1 } } } },
  },
  {
    action: "change spec.syncPolicy.syncOptions",
    patch: { spec: { syncPolicy: { syncOptions: [] } } },
  },
  {
    action: "set spec.syncPolicy.managedNamespaceMetadata",
    patch: { spec: { syncPolicy: { managedNamespaceMetadata: { labels: { a: "b" } } } } },
  },
  ...["prune", "selfHeal"].map((field) => ({
    action: `change spec.syncPolicy.automated.${field}`,
    patch: { spec: { syncPolicy: { automated: { [field]: false } } } },
  })),
  {
    action: "switch auto-sync off and read another revision, in one update",
    patch: {
      spec: {
        source: { targetRevision: "elsewhere" },
        syncPolicy: { automated: { enabled: false } },
      },
    },
  },
  {
    action: "have Argo CD look away, by an annotation",
    patch: { metadata: { annotations: { "argocd.argoproj.io/skip-reconcile": "true" } } },
  },
  {
    action: "lead the UI elsewhere, by an annotation",
    patch: {
      metadata: { annotations: { "argocd.argoproj.io/managed-by-url": "https://example.com" } },
    },
  },
  {
    action: "subscribe to notifications, by an annotation",
    patch: {
      metadata: { annotations: { "notifications.argoproj.io/subscribe.on-deployed.github": "" } },
    },
  },
  {
    action: "add a finalizer, which would delete the service along",
    patch: { metadata: { finalizers: ["resources-finalizer.argocd.argoproj.io"] } },
  },
  { action: "change a label", patch: { metadata: { labels: { a: "b" } } } },
  { action: "sync with force", sync: { strategy: { apply: { force: true } } } },
  { action: "sync without the Application's options", sync: { syncOptions: { items: [] } } },
];
