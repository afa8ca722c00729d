import { BlockList } from "node:net";
import type { Manifest } from "../../tools/render/manifests.ts";
import {
  itself,
  type Place,
  places,
  type Source,
  sources,
  type Target,
  network as table,
  targets,
} from "../access/network.ts";
import { containers, podSpecs, type Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const toPayment = "clusters/base/namespaces/app-payment/network-policies.yaml";
const closed = "clusters/base/namespaces/closed/network-policies.yaml";
const fromAntaeus = "clusters/base/namespaces/app-antaeus/network-policies.yaml";
const peer = "              kubernetes.io/metadata.name: app-antaeus\n          podSelector:\n";

/** Either end of a connection, as a policy sees it. What is in no namespace is no pod. */
interface Peer extends Partial<Place> {
  ip: string;
  /** The numbers of its named ports. */
  ports?: Record<string, number>;
}

interface Port {
  protocol: string;
  number: number;
}

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

type Direction = "Ingress" | "Egress";

function selects(selector: Selector, labels: Record<string, string> = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === "Exists") return key in labels;
      if (operator === "DoesNotExist") return !(key in labels);
      const isOne = values.includes(labels[key] ?? "");
      return operator === "In" ? key in labels && isOne : !isOne;
    })
  );
}

interface Block {
  cidr: string;
  except?: string[];
}

/** An item of from or to: all that it has must be so. */
interface Item {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: Block;
}

function inBlock({ cidr, except = [] }: Block, ip: string): boolean {
  const list = (ranges: string[]) => {
    const block = new BlockList();
    for (const range of ranges) {
      const [network = "", prefix] = range.split("/");
      block.addSubnet(network, Number(prefix));
    }
    return block;
  };
  return list([cidr]).check(ip) && !list(except).check(ip);
}

function isPeer(item: Item, policy: Manifest, peer: Peer): boolean {
  if (item.ipBlock) return inBlock(item.ipBlock, peer.ip);
  if (!peer.namespace) return false;
  const inNamespace = item.namespaceSelector
    ? selects(item.namespaceSelector, {
        "kubernetes.io/metadata.name": peer.namespace,
        // Each service's namespace has this label, by a rule.
        ...(peer.namespace.startsWith("app-") && { "service-namespace": "true" }),
      })
    : peer.namespace === policy.metadata.namespace;
  return inNamespace && selects(item.podSelector ?? {}, peer.labels);
}

interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

function isPort({ protocol = "TCP", port, endPort }: PolicyPort, to: Peer, called: Port): boolean {
  const first = typeof port === "string" ? to.ports?.[port] : port;
  const inRange =
    first === undefined || (called.number >= first && called.number <= (endPort ?? first));
  return (
    protocol === called.protocol && inRange && !(typeof port === "string" && first === undefined)
  );
}

/** Whether the policies of one end let a connection through: none that selects it, or one that lists it. */
function lets(
  policies: Manifest[],
  direction: Direction,
  at: Peer,
  other: Peer,
  to: Peer,
  port: Port,
): boolean {
  const concerned = policies.filter(
    ({ metadata, spec }) =>
      at.namespace !== undefined &&
      metadata.namespace === at.namespace &&
      selects(spec.podSelector, at.labels) &&
      (spec.policyTypes ?? ["Ingress", ...(spec.egress ? ["Egress"] : [])]).includes(direction),
  );
  if (concerned.length === 0) return true;
  return concerned.some((policy) => {
    const rules = (direction === "Ingress" ? policy.spec.ingress : policy.spec.egress) ?? [];
    return rules.some((rule: { from?: Item[]; to?: Item[]; ports?: PolicyPort[] }) => {
      const items = direction === "Ingress" ? rule.from : rule.to;
      return (
        (!items?.length || items.some((item) => isPeer(item, policy, other))) &&
        (!rule.ports?.length || rule.ports.some((listed) => isPort(listed, to, port)))
      );
    });
  });
}

/** Where a service's pods are, by their manifests. */
async function peerOf(
  repository: Repository,
  team: string,
  environment: string,
  ip: string,
): Promise<Peer> {
  const manifests = await repository.workload(team, environment);
  const workload = manifests.find(({ kind }) => ["Deployment", "Rollout"].includes(kind));
  const ports = podSpecs(manifests).flatMap(({ spec }) =>
    containers(spec).flatMap((one) => one.ports ?? []),
  );
  return {
    namespace: workload?.metadata.namespace ?? "",
    labels: workload?.spec.template.metadata.labels,
    ip,
    ports: Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort])),
  };
}

const tcp = (number: number): Port => ({ protocol: "TCP", number });

/** All addresses that policies let pods of the services, Prometheus and Argo Rollouts call, as they stand there, each with its ports. */
const blocks = (policies: Manifest[]): [cidr: string, ports: PolicyPort[]][] =>
  policies.flatMap(({ metadata, spec }) =>
    /^(app-|(monitoring|rollouts)$)/.test(metadata.namespace ?? "")
      ? (spec.egress ?? []).flatMap(
          ({ to = [], ports = [] }: { to?: Item[]; ports?: PolicyPort[] }) =>
            to.flatMap(({ ipBlock }) => (ipBlock ? [[ipBlock.cidr, ports]] : [])),
        )
      : [],
  );

const dnsCache = "169.254.20.10/32";

/** To where the backup goes: an address that has a rule of its own. */
const isBackup = ({ metadata }: Manifest) => metadata.name === "antaeus-to-backup";

/** Where an environment says that its API server answers. */
const apiServer = (policies: Manifest[]): string => {
  const others = policies.filter((policy) => !isBackup(policy));
  const [cidr = ""] = blocks(others).find(([cidr]) => cidr !== dnsCache) ?? [];
  return cidr.split("/")[0] ?? "";
};

/** The table of tests/access/network.ts, worked out from the manifests as Kubernetes defines them. */
async function matrix(repository: Repository, environment: string): Promise<string[]> {
  const policies = [
    ...(await repository.platform(environment)),
    // Also where a cluster has a Prometheus of its own: the services cannot tell the two apart.
    ...(await repository.render("clusters/base/monitoring")),
    ...(await repository.rollouts(environment)),
  ].filter(({ kind }) => kind === "NetworkPolicy");
  const antaeus = await peerOf(repository, "antaeus", environment, "10.244.0.10");
  const payment = await peerOf(repository, "payment", environment, "10.244.0.11");
  const dns: Peer = {
    namespace: "kube-system",
    labels: { "k8s-app": "kube-dns" },
    ip: "10.244.0.2",
  };
  const prometheus: Peer = {
    namespace: "monitoring",
    labels: { ...places.scraper.labels, "app.kubernetes.io/name": "prometheus" },
    ip: "10.244.0.12",
  };
  const made = Object.entries(places).map(([name, place]) => [
    name,
    { ...place, ip: "10.244.0.20" },
  ]);
  const from = { antaeus, payment, ...Object.fromEntries(made) } as Record<Source, Peer>;
  const to: Record<Target, [Peer, ...Port[]]> = {
    antaeus: [antaeus, tcp(8000)],
    "antaeus-pod": [antaeus, tcp(8000)],
    payment: [payment, tcp(9000)],
    "payment-pod": [payment, tcp(9000)],
    "payment-other": [payment, tcp(9001)],
    dns: [dns, tcp(53), { protocol: "UDP", number: 53 }],
    prometheus: [prometheus, tcp(9090)],
    // Both are no pods. The API server's port behind its Service is another one.
    api: [{ ip: apiServer(policies) }, tcp(6443)],
    outside: [{ ip: "172.18.0.9" }, tcp(9000)],
  };
  const cells = (Object.keys(sources) as Source[]).flatMap((source) =>
    (Object.keys(targets) as Target[]).map((target) => ({ source, target })),
  );
  return each(cells, ({ source, target }) => {
    // A node always reaches its own pods.
    if (source === "node" || itself[source]?.includes(target)) return [];
    const [caller, [called, ...ports]] = [from[source], to[target]];
    const leaves = ports.every((port) => lets(policies, "Egress", caller, called, called, port));
    const enters = ports.every((port) => lets(policies, "Ingress", called, caller, called, port));
    const declared = table[source].includes(target);
    const what = `${environment}: ${sources[source]} → ${targets[target]}`;
    return [
      ...unless(
        (leaves && enters) === declared,
        `${what} is ${leaves && enters ? "open" : "closed"}`,
      ),
      // Either side holds by itself, so that a mistake on the other opens nothing.
      ...unless(!caller.namespace?.startsWith("app-") || leaves === declared, `${what} may leave`),
      ...unless(
        ![payment, prometheus].includes(called) || enters === declared,
        `${what} may enter`,
      ),
    ];
  });
}

export const network: Rule[] = [
  {
    title: "The network policies allow what tests/access/network.ts declares, and nothing else",
    check: (repository) =>
      each(repository.environments, (environment) => matrix(repository, environment)),
    mutations: [
      {
        what: "a namespace or pods where pods in the namespace are meant",
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
        what: "ingress from any pod of the caller's namespace",
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
        what: "egress of Antaeus to everywhere",
        file: fromAntaeus,
        from: "  policyTypes: [Egress]\n  egress:\n    - to:\n        # One item",
        to: "  policyTypes: [Egress]\n  egress:\n    - {}\n    - to:\n        # One item",
        says: /Antaeus → outside of the cluster is open/,
      },
      {
        what: "egress to DNS by a wrong label",
        file: closed,
        from: "k8s-app: kube-dns",
        to: "k8s-app: coredns",
        says: /Antaeus → DNS is closed/,
      },
      {
        what: "ingress from scrapers of any label",
        file: toPayment,
        from: '          podSelector:\n            matchLabels:\n              metrics-scraper: "true"\n',
        to: "",
        says: /its neighbour without the label → payment:9000 may enter/,
      },
      {
        what: "egress of whatever is beside Prometheus",
        file: "clusters/base/monitoring/network-policies.yaml",
        from: '  podSelector:\n    matchLabels:\n      metrics-scraper: "true"\n',
        to: "  podSelector: {}\n",
        says: /its neighbour without the label → Antaeus:8000 is open/,
      },
      {
        what: "a Prometheus that whatever is beside Argo Rollouts may read",
        file: "clusters/base/monitoring/network-policies.yaml",
        from: "          podSelector:\n            matchLabels:\n              app.kubernetes.io/name: argo-rollouts\n",
        to: "",
        says: /a stranger in rollouts → Prometheus:9090 may enter/,
      },
      {
        what: "scrapers that may call anybody",
        file: "clusters/base/monitoring/network-policies.yaml",
        from: '              service-namespace: "true"\n      ports:\n        - protocol: TCP\n          port: http\n',
        to: '              service-namespace: "true"\n    - {}\n',
        says: /a metrics scraper → the API server is open/,
      },
      {
        what: "pods that their policies do not select",
        file: "apps/payment/base/rollout.yaml",
        from: "      labels:\n        app.kubernetes.io/name: payment\n",
        to: "      labels:\n        app.kubernetes.io/name: payments\n",
        says: /payment → the API server is closed/,
      },
    ],
  },
  {
    title:
      "Pods call no range of addresses: the API server's own, and that of a DNS cache on their node",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const policies = [
          ...(await repository.platform(environment)),
          ...(await repository.monitoring(environment)),
          ...(await repository.rollouts(environment)),
        ].filter((one) => one.kind === "NetworkPolicy" && !isBackup(one));
        const others = new Map(blocks(policies).filter(([cidr]) => cidr !== dnsCache));
        return [
          ...unless(others.size === 1, `${environment}: addresses to call: ${[...others.keys()]}`),
          ...[...others].flatMap(([cidr, ports]) => [
            ...unless(cidr.endsWith("/32"), `${environment}: ${cidr} is a range`),
            ...unless(
              ports.length === 1,
              `${environment}: ${cidr} has ${ports.length} ports, not 1`,
            ),
          ]),
        ];
      }),
    mutations: [
      {
        what: "an environment that does not say where its API server answers",
        file: "clusters/production/apps/kustomization.yaml",
        from: "  - ../api-server\n",
        to: "",
        says: /production: 10\.0\.0\.0\/8 is a range/,
      },
      {
        what: "the network around the API server",
        file: "clusters/testing/api-server/kustomization.yaml",
        from: "/32",
        to: "/24",
        says: /testing: 10\.1\.0\.10\/24 is a range/,
      },
      {
        what: "payment's egress to the API server for any port",
        file: "clusters/testing/api-server/kustomization.yaml",
        from: "          ports:\n            - protocol: TCP\n              port: 6443\n",
        to: "",
        says: /testing: 10\.1\.0\.10\/32 has 0 ports, not 1/,
      },
    ],
  },
  {
    title:
      "Antaeus' backup goes where its overlay says, to that address alone, and where there is none nowhere",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const policies = (await repository.platform(environment)).filter(isBackup);
        const workload = await repository.workload("antaeus", environment);
        const urls = workload
          .filter(({ kind }) => kind === "ConfigMap")
          .flatMap(({ data }) => (data.BACKUP_URL ? [new URL(data.BACKUP_URL)] : []));
        const stores = urls.map((url) => new URL(url.searchParams.get("endpoint") ?? ""));
        return [
          ...same(
            `${environment}: where the backup may go`,
            blocks(policies).map(([cidr, ports]) => [cidr, ports.map(({ port }) => port)]),
            stores.map(({ hostname, port }) => [`${hostname}/32`, [Number(port) || 443]]),
          ),
          ...policies.flatMap(({ spec }) =>
            same(`${environment}: what may go there`, spec.podSelector, {
              matchLabels: { "app.kubernetes.io/name": "antaeus" },
            }),
          ),
          // In the bucket nobody else's.
          ...urls.flatMap(({ pathname }) => same("its folder", pathname, `/${environment}`)),
        ];
      }),
    mutations: [
      {
        what: "a backup to an address that is closed",
        file: "apps/antaeus/overlays/production/kustomization.yaml",
        from: "https://10.2.0.20",
        to: "https://10.2.0.21",
        says: /production: where the backup may go: .*10\.2\.0\.20/,
      },
      {
        what: "the network around the backup",
        file: "clusters/production/backup/network-policy.yaml",
        from: "/32",
        to: "/24",
        says: /production: where the backup may go: .*10\.2\.0\.20\/24/,
      },
      {
        what: "a backup that any pod may call",
        file: "clusters/production/backup/network-policy.yaml",
        from: "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: antaeus\n",
        to: "  podSelector: {}\n",
        says: /production: what may go there: \{\}/,
      },
      {
        what: "the backup of another environment",
        file: "apps/antaeus/overlays/production/kustomization.yaml",
        from: "s3://antaeus/production",
        to: "s3://antaeus/testing",
        says: /its folder: "\/testing", not "\/production"/,
      },
    ],
  },
  {
    title:
      "Each service's namespace, Prometheus' and Argo Rollouts' deny ingress and egress by default",
    check: (repository) =>
      each(repository.environments, async (environment) => {
        const monitoring = await repository.monitoring(environment);
        const manifests = [
          ...(await repository.platform(environment)),
          ...monitoring,
          ...(await repository.rollouts(environment)),
        ];
        const namespaces = [...repository.services.map((team) => `app-${team}`), "rollouts"];
        if (monitoring.length) namespaces.push("monitoring");
        return each(namespaces, (namespace) => {
          const denies = manifests.filter(
            ({ kind, metadata, spec }) =>
              kind === "NetworkPolicy" &&
              metadata.namespace === namespace &&
              Object.keys(spec.podSelector).length === 0 &&
              !spec.ingress,
          );
          const directions = denies.flatMap(({ spec }) => (spec.egress ? [] : spec.policyTypes));
          return same(`${environment}: ${namespace} closes`, directions.sort(), [
            "Egress",
            "Ingress",
          ]);
        });
      }),
    mutations: [
      {
        what: "a default without ingress",
        file: closed,
        from: "policyTypes: [Ingress, Egress]",
        to: "policyTypes: [Egress]",
        says: /app-payment closes: \["Egress"\]/,
      },
      {
        what: "a default for some pods only",
        file: closed,
        from: "  podSelector: {}\n  policyTypes: [Ingress, Egress]",
        to: "  podSelector: {matchLabels: {a: b}}\n  policyTypes: [Ingress, Egress]",
        says: /app-antaeus closes: \[\]/,
      },
    ],
  },
];
