/** Places that calls come from. */
export const sources = {
  antaeus: "Antaeus",
  payment: "payment",
  "pay-run": "the scheduled pay run",
  probe: "the probe of a release",
  "stranger-antaeus": "a stranger in app-antaeus",
  "stranger-payment": "a stranger in app-payment",
  "right-labels": "a pod elsewhere with Antaeus' labels",
  stranger: "a stranger elsewhere",
  scraper: "a metrics scraper",
  "scraper-unlabelled": "its neighbour without the label",
  rollouts: "Argo Rollouts",
  "stranger-rollouts": "a stranger in rollouts",
  node: "a node's own network",
} as const;

/** Places that calls go to. */
export const targets = {
  antaeus: "Antaeus:8000",
  "antaeus-pod": "Antaeus' pod:8000",
  payment: "payment:9000",
  "payment-pod": "payment's pod:9000",
  "payment-other": "payment's pod:9001",
  prometheus: "Prometheus:9090",
  dns: "DNS",
  api: "the API server",
  outside: "outside of the cluster",
} as const;

export type Source = keyof typeof sources;
export type Target = keyof typeof targets;

/** A namespace, and the labels that policies select a pod by. */
export interface Place {
  namespace: string;
  labels: Record<string, string>;
}

/** Where the callers are that are none of the services' pods. */
export const places: Record<Exclude<Source, "antaeus" | "payment" | "node">, Place> = {
  "pay-run": {
    namespace: "app-antaeus",
    labels: { "app.kubernetes.io/name": "antaeus-pay-run" },
  },
  probe: { namespace: "app-payment", labels: { "app.kubernetes.io/name": "payment-probe" } },
  "stranger-antaeus": { namespace: "app-antaeus", labels: {} },
  "stranger-payment": { namespace: "app-payment", labels: {} },
  "right-labels": { namespace: "default", labels: { "app.kubernetes.io/name": "antaeus" } },
  stranger: { namespace: "default", labels: {} },
  scraper: { namespace: "monitoring", labels: { "metrics-scraper": "true" } },
  "scraper-unlabelled": { namespace: "monitoring", labels: {} },
  rollouts: { namespace: "rollouts", labels: { "app.kubernetes.io/name": "argo-rollouts" } },
  "stranger-rollouts": { namespace: "rollouts", labels: {} },
};

const everything = Object.keys(targets) as Target[];
/** What pods may call that no policy of ours selects: whatever lets them in. */
const elsewhere: Target[] = ["antaeus", "antaeus-pod", "dns", "api", "outside"];

/** Who may call what: the one table. The end-to-end tests try every cell of it. */
export const network: Record<Source, Target[]> = {
  antaeus: ["payment", "payment-pod", "dns"],
  payment: ["dns", "api"],
  "pay-run": ["antaeus", "antaeus-pod", "dns"],
  probe: ["payment", "payment-pod", "dns"],
  "stranger-antaeus": ["dns"],
  "stranger-payment": ["dns"],
  "right-labels": elsewhere,
  stranger: elsewhere,
  scraper: ["antaeus", "antaeus-pod", "payment", "payment-pod", "dns"],
  "scraper-unlabelled": ["dns"],
  rollouts: ["prometheus", "dns", "api"],
  "stranger-rollouts": ["dns"],
  // A node always reaches its own pods: the kubelet's probes come from there. What may run with the
  // node's network is what the pod security level of a namespace says.
  node: everything,
};

/** Calls that may end where they began: no policy keeps a pod from itself, so these tell nothing. */
export const itself: Record<string, Target[]> = {
  antaeus: ["antaeus", "antaeus-pod"],
  payment: ["payment"],
};
