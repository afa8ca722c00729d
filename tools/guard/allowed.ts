import { type Fields, from, oneOf, text, value } from "./values.ts";

// What may stand in apps/ and in the kustomizations of the platform. What is not here is refused, so the way to
// one more field is one more line. docs/access.md shows this table.

const flag = oneOf(true, false);
const word = text("a name", /^[a-z0-9][a-z0-9-]{0,62}$/);
const team = value("`<service>`", (given, { team }) => given === team);
const own = value("`<service>`, or a name after `<service>-`", (given, { team }) =>
  new RegExp(`^${team}(-[a-z0-9]+)*$`).test(`${given}`),
);
const namespace = value("`app-<service>`", (given, { team }) => given === `app-${team}`);
const image = value("`ghcr.io/<owner>/<repository>/<service>`", (given, { team, registry }) =>
  [`${registry}/${team}`, `${registry}/${team}-original`].includes(`${given}`),
);

const isYaml = (path: unknown): path is string => `${path}`.endsWith(".yaml");
const manifest = value("the path of an own .yaml file", (given, { isFile }) =>
  Boolean(isYaml(given) && isFile(given)),
);
const folder = value("the path of an own folder with a kustomization", (given, { isFolder }) =>
  isFolder(`${given}`),
);
const manifests = value(`${manifest.says}, or ${folder.says}`, (...given) =>
  [manifest, folder].some(({ is }) => is(...given)),
);

/** With a dot in its name, as variables have none: those are of one line, and no file's. */
const namedFile = value("the path of an own file, or `name.ending=path`", (given, { isFile }) =>
  isFile(`${given}`.replace(/^[\w-]*\.[\w.-]+=/, "")),
);

/**
 * What the services read, and a service's own. Not what their runtimes read: by NODE_OPTIONS, for one, a pod would run a
 * program that no image holds.
 */
export const variables = [
  ...["HOST", "PORT", "DRAIN_SECONDS", "NODE_EXTRA_CA_CERTS", "JAVA_TOOL_OPTIONS"],
  ...["ACCEPTANCE_SHARE", "REPEAT_WINDOW_SECONDS", "FAULT_LATENCY_MS", "FAULT_ERROR_SHARE"],
  ...["CALLER", "CALLER_ISSUER", "CALLER_JWKS_URL", "CALLER_AUDIENCE", "CALLER_SUBJECT"],
  ...["CALLER_CA_FILE", "SYNTHETIC_SUBJECT", "PAYMENT_PROVIDER_ENDPOINT", "PAYMENT_TOKEN_FILE"],
  ...["DATABASE", "CUSTOMERS", "INVOICES_PER_CUSTOMER", "BACKUP_SOCKET", "BACKUP_URL"],
  ...["BACKUP_MAY_BE_EMPTY", "CHARGE_TIMEOUT_MS", "CHARGE_ATTEMPTS", "RETRY_DELAY_MS"],
  ...["CIRCUIT_THRESHOLD", "CHARGE_CONCURRENCY", "PROBE_CHARGES", "PROBE_LATENCY_MS"],
];
const isVariable = (name: string, team = "") =>
  variables.includes(name) ||
  (name.startsWith(`${team.toUpperCase().replaceAll("-", "_")}_`) &&
    /^[A-Z0-9_]{1,100}$/.test(name));
const variable = value(
  `${variables.map((name) => `\`${name}\``).join(", ")}, or a name in capitals after \`<SERVICE>_\``,
  (given, { team }) => isVariable(`${given}`, team),
);

/** Releases that the platform builds on. Renovate moves the version. */
const bases = [
  /^https:\/\/github\.com\/argoproj\/argo-(cd|rollouts)\/\/manifests\/cluster-install\?ref=v\d+\.\d+\.\d+$/,
  /^https:\/\/github\.com\/kubernetes-sigs\/metrics-server\/\/manifests\/overlays\/release\?ref=v\d+\.\d+\.\d+$/,
];
const manifestsOrBase = value(
  `${manifests.says}, or the release of Argo CD, Argo Rollouts or metrics-server`,
  (...given) => manifests.is(...given) || bases.some((base) => base.test(`${given[0]}`)),
);

/** What tells Kustomize how to patch a Rollout: the one folder of the platform's that a team's kustomization may name. */
const rolloutSchema = "../../../clusters/base/rollout-schema";
const component = value(
  `${folder.says}, or \`${rolloutSchema}\``,
  (...given) => given[0] === rolloutSchema || folder.is(...given),
);

const labels = {
  "app.kubernetes.io/name": own,
  "app.kubernetes.io/component": word,
  "app.kubernetes.io/part-of": word,
};

const kustomizations = {
  apiVersion: oneOf("kustomize.config.k8s.io/v1beta1", "kustomize.config.k8s.io/v1alpha1"),
  kind: oneOf("Kustomization", "Component"),
} as const;

/** Of a team. */
export const kustomization = {
  ...kustomizations,
  components: [component],
  namespace,
  resources: [manifests],
  labels: [{ pairs: labels, includeSelectors: flag, includeTemplates: flag }],
  images: [
    {
      name: image,
      newName: image,
      newTag: text("a tag", /^[\w][\w.-]{0,127}$/),
      digest: text("`sha256:` and 64 digits", /^sha256:[0-9a-f]{64}$/),
    },
  ],
  patches: [{ "path!": manifest }],
  configMapGenerator: [
    {
      "name!": own,
      // Pods that run on while new ones do not start would lose theirs: the old one is pruned last, when all are well.
      "options!": {
        "annotations!": { "argocd.argoproj.io/sync-options!": oneOf("PruneLast=true") },
      },
      behavior: oneOf("create", "merge", "replace"),
      literals: [
        value("`NAME=value`, of one line, with a name as `env` has it", (given, { team }) => {
          const [, name = ""] = /^(\w+)=.{0,10000}$/.exec(`${given}`) ?? [];
          return isVariable(name, team);
        }),
      ],
      files: [namedFile],
    },
  ],
} as const;

/** Of the platform, in argocd/ and clusters/. */
export const platformKustomization = {
  ...kustomizations,
  components: [folder],
  openapi: { path: oneOf("schema.json") },
  namespace: word,
  resources: [manifestsOrBase],
  labels: [{ pairs: { "app.kubernetes.io/name": word }, includeSelectors: flag }],
  configMapGenerator: [{ "name!": word, files: [namedFile] }],
  generatorOptions: { disableNameSuffixHash: flag },
  images: [
    {
      name: oneOf("quay.io/argoproj/argo-rollouts"),
      newTag: text("a version", /^v\d+\.\d+\.\d+$/),
    },
  ],
  commonAnnotations: { "argocd.argoproj.io/sync-options": text("sync options", /^[\w=,]+$/) },
  patches: [
    {
      path: manifest,
      patch: text("a patch", /^.+$/s),
      target: {
        group: text("a group", /^[a-z0-9.]+$/),
        kind: text("kinds", /^[A-Za-z|]+$/),
        name: text("a name, or a pattern of names", /^[a-z0-9.()|*-]+$/),
        labelSelector: word,
      },
      options: { allowKindChange: flag },
    },
  ],
} as const;

const cpu = text("1m to 999m, or 1 to 4", /^([1-9]\d{0,2}m|[1-4])$/);
const memory = text("1Mi to 999Mi, or 1Gi to 4Gi", /^([1-9]\d{0,2}Mi|[1-4]Gi)$/);
const amounts = { cpu, memory, "ephemeral-storage": memory };
const port = text("a port above 1023, or its name", /^([a-z][a-z0-9-]{0,14}|[1-9]\d{3,4})$/);
const path = text("a path", /^(\/[\w-][\w.-]*)+$/);
/** In a patch: the list is this one, and not that of the base with something more. */
const patch = { $patch: oneOf("replace") };

const probe = {
  httpGet: { path, port },
  initialDelaySeconds: from(0, 300),
  periodSeconds: from(1, 300),
  timeoutSeconds: from(1, 60),
  failureThreshold: from(1, 300),
  successThreshold: from(1, 10),
};

const container = {
  "name!": word,
  image,
  imagePullPolicy: oneOf("IfNotPresent"),
  // Of the image's own program, which no command replaces; an option would be Node's.
  args: [text("a word or a URL", /^[a-z][\w:/.-]{0,200}$/)],
  ports: [{ name: port, containerPort: from(1024, 65535), protocol: oneOf("TCP") }],
  env: [
    {
      "name!": variable,
      value: text("a text", /^.{0,10000}$/s),
      valueFrom: {
        configMapKeyRef: { "name!": own, "key!": text("a key", /^[\w.-]+$/) },
        secretKeyRef: { "name!": own, "key!": text("a key", /^[\w.-]+$/) },
      },
    },
  ],
  envFrom: [{ configMapRef: { "name!": own }, secretRef: { "name!": own } }],
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  resources: { requests: amounts, limits: amounts },
  securityContext: {
    allowPrivilegeEscalation: oneOf(false),
    readOnlyRootFilesystem: oneOf(true),
    capabilities: { drop: [oneOf("ALL")] },
  },
  volumeMounts: [{ ...patch, name: word, mountPath: path, readOnly: flag }],
} as const;

const ofBackup = { "name!": oneOf("antaeus-backup") };
/** Litestream, of Antaeus' image: no other program, no other argument. */
const initContainer = {
  $patch: oneOf("delete"),
  "name!": value(
    "`restore` or `backup`, of antaeus alone",
    (given, { team }) => ["restore", "backup"].includes(`${given}`) && team === "antaeus",
  ),
  image,
  imagePullPolicy: oneOf("IfNotPresent"),
  restartPolicy: oneOf("Always"),
  command: [oneOf("/litestream")],
  args: [
    oneOf(
      ...["replicate", "restore", "-if-db-not-exists", "-integrity-check=quick"],
      ...["-if-replica-exists=$(BACKUP_MAY_BE_EMPTY)", "/data/antaeus.db"],
    ),
  ],
  env: [
    {
      "name!": oneOf("BACKUP_URL", "BACKUP_MAY_BE_EMPTY"),
      value: oneOf("file:///backup", "true"),
    },
  ],
  envFrom: [{ configMapRef: ofBackup, secretRef: ofBackup }],
  resources: { requests: amounts, limits: amounts },
  securityContext: container.securityContext,
  volumeMounts: container.volumeMounts,
} as const;

const volume = {
  ...patch,
  name: word,
  emptyDir: { "sizeLimit!": memory },
  configMap: {
    "name!": value(
      `${own.says}, or \`kube-root-ca.crt\``,
      (...given) => given[0] === "kube-root-ca.crt" || own.is(...given),
    ),
  },
  secret: { "secretName!": own },
  persistentVolumeClaim: { "claimName!": own },
  // Without an audience it would be a token for the API server.
  projected: {
    sources: [
      {
        serviceAccountToken: {
          "audience!": oneOf("payment"),
          expirationSeconds: oneOf(600),
          path: word,
        },
      },
    ],
  },
} as const;

/** Which pods should be on different nodes, or in different zones. */
const apart = {
  topologyKey: oneOf("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
  labelSelector: { matchLabels: labels },
  matchLabelKeys: [oneOf("pod-template-hash", "rollouts-pod-template-hash")],
} as const;

/** What the pods of a Deployment and of a CronJob have in common. */
const pod = {
  serviceAccountName: team,
  automountServiceAccountToken: oneOf(false),
  enableServiceLinks: oneOf(false),
  terminationGracePeriodSeconds: from(1, 120),
  restartPolicy: oneOf("Always", "OnFailure", "Never"),
  topologySpreadConstraints: [
    { ...apart, maxSkew: from(1, 10), whenUnsatisfiable: oneOf("ScheduleAnyway") },
  ],
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [apart],
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: from(1, 100), podAffinityTerm: apart },
      ],
    },
  },
  securityContext: {
    runAsNonRoot: oneOf(true),
    runAsUser: from(1, 65535),
    runAsGroup: from(1, 65535),
    fsGroup: from(1, 65535),
    seccompProfile: { type: oneOf("RuntimeDefault") },
  },
  initContainers: [initContainer],
  containers: [container],
  volumes: [volume],
} as const;

const metadata = { "name!": own, labels };
const object = (apiVersion: string, kind: string, rest: Fields): Fields => ({
  apiVersion: oneOf(apiVersion),
  kind: oneOf(kind),
  "metadata!": metadata,
  ...rest,
});

const podTemplate = { metadata: { labels }, spec: pod };
const ofReplicas = {
  replicas: from(1, 10),
  revisionHistoryLimit: from(1, 10),
  progressDeadlineSeconds: from(10, 600),
  minReadySeconds: from(0, 120),
  selector: { matchLabels: labels },
  template: podTemplate,
};

/** By which a version is judged, and what it is told of the release. */
const analysis = {
  "templates!": [{ "templateName!": own }],
  args: [
    {
      "name!": word,
      valueFrom: {
        podTemplateHashValue: oneOf("Latest", "Stable"),
        fieldRef: {
          fieldPath: text(
            "a variable of the pods', such as `spec.template.spec.containers[0].env[0].value`",
            /^spec\.template\.spec\.containers\[\d\]\.env\[\d\]\.value$/,
          ),
        },
      },
    },
  ],
} as const;
const seconds = text("1s to 999s", /^[1-9]\d{0,2}s$/);

/** What a team may deploy besides ConfigMaps, which a generator makes. */
export const kinds = {
  AnalysisTemplate: object("argoproj.io/v1alpha1", "AnalysisTemplate", {
    spec: {
      args: [{ "name!": word }],
      metrics: [
        {
          "name!": word,
          initialDelay: seconds,
          interval: seconds,
          count: from(1, 10_000),
          failureLimit: from(-1, 10),
          consecutiveSuccessLimit: from(1, 10),
          consecutiveErrorLimit: from(0, 10_000),
          successCondition: text(
            "a comparison of `result`",
            /^(len\(result\)|result\[0\])( ?(<=|>=|==|<|>|&&|\|\|) ?(len\(result\)|result\[0\]|\d+))*$/,
          ),
          // No others: they would have the controller call what a team says.
          provider: {
            prometheus: { query: text("a query", /^.{1,2000}$/s) },
            job: {
              spec: {
                backoffLimit: from(0, 20),
                activeDeadlineSeconds: from(10, 600),
                podFailurePolicy: {
                  rules: [
                    {
                      action: oneOf("FailJob"),
                      onExitCodes: { operator: oneOf("In"), values: [from(1, 255)] },
                    },
                  ],
                },
                template: podTemplate,
              },
            },
          },
        },
      ],
    },
  }),
  Deployment: object("apps/v1", "Deployment", {
    spec: {
      ...ofReplicas,
      strategy: {
        type: oneOf("Recreate", "RollingUpdate"),
        rollingUpdate: { maxSurge: from(0, 5), maxUnavailable: from(0, 5) },
      },
    },
  }),
  CronJob: object("batch/v1", "CronJob", {
    spec: {
      schedule: text("five fields of cron", /^[\d*]+([/,-][\d*]+)*( [\d*]+([/,-][\d*]+)*){4}$/),
      timeZone: text("a time zone, such as `Etc/UTC`", /^[A-Z][A-Za-z]+\/[A-Z][A-Za-z_]+$/),
      "concurrencyPolicy!": oneOf("Forbid"),
      startingDeadlineSeconds: from(60, 86_400),
      successfulJobsHistoryLimit: from(0, 5),
      failedJobsHistoryLimit: from(0, 5),
      jobTemplate: {
        spec: {
          backoffLimit: from(0, 20),
          activeDeadlineSeconds: from(10, 86_400),
          template: podTemplate,
        },
      },
    },
  }),
  HorizontalPodAutoscaler: object("autoscaling/v2", "HorizontalPodAutoscaler", {
    spec: {
      scaleTargetRef: {
        apiVersion: oneOf("apps/v1", "argoproj.io/v1alpha1"),
        kind: oneOf("Deployment", "Rollout"),
        name: own,
      },
      minReplicas: from(1, 10),
      maxReplicas: from(1, 20),
      metrics: [
        {
          type: oneOf("Resource"),
          resource: {
            name: oneOf("cpu", "memory"),
            target: { type: oneOf("Utilization"), averageUtilization: from(10, 100) },
          },
        },
      ],
    },
  }),
  PersistentVolumeClaim: object("v1", "PersistentVolumeClaim", {
    "metadata!": {
      ...metadata,
      annotations: {
        "argocd.argoproj.io/compare-options": oneOf("IgnoreExtraneous"),
        "argocd.argoproj.io/sync-options": oneOf("Prune=false,Delete=false"),
      },
    },
    spec: {
      accessModes: [oneOf("ReadWriteOnce")],
      resources: { requests: { storage: text("1Gi to 9Gi", /^[1-9]Gi$/) } },
    },
  }),
  PodDisruptionBudget: object("policy/v1", "PodDisruptionBudget", {
    // With 0, or beside another budget of the same pods, no drain of a node would end.
    spec: {
      "maxUnavailable!": from(1, 5),
      // Else pods that crash, and so serve nobody, hold up a drain for ever.
      "unhealthyPodEvictionPolicy!": oneOf("AlwaysAllow"),
      selector: { matchLabels: labels },
    },
  }),
  Rollout: object("argoproj.io/v1alpha1", "Rollout", {
    spec: {
      ...ofReplicas,
      analysis: {
        successfulRunHistoryLimit: from(0, 5),
        unsuccessfulRunHistoryLimit: from(0, 5),
      },
      strategy: {
        blueGreen: {
          "activeService!": own,
          "previewService!": own,
          // Without them it would be a release like any other.
          "prePromotionAnalysis!": analysis,
          "postPromotionAnalysis!": analysis,
          scaleDownDelaySeconds: from(10, 600),
          abortScaleDownDelaySeconds: from(1, 600),
        },
      },
    },
  }),
  Service: object("v1", "Service", {
    spec: {
      type: value(
        "`ClusterIP`; `NodePort` of antaeus alone",
        (given, { team }) => given === "ClusterIP" || (given === "NodePort" && team === "antaeus"),
      ),
      selector: labels,
      ports: [
        {
          name: port,
          port: from(1024, 65535),
          targetPort: port,
          protocol: oneOf("TCP"),
          nodePort: value(
            "`30008`, of antaeus alone",
            (given, { team }) => given === 30008 && team === "antaeus",
          ),
        },
      ],
    },
  }),
  ServiceAccount: object("v1", "ServiceAccount", {
    "metadata!": { "name!": team },
    automountServiceAccountToken: oneOf(false),
  }),
} as const;
