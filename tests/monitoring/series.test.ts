import test from "ava";
import { startServer as startAntaeus } from "../../antaeus-service/src/server.ts";
import { startServer as startPayment } from "../../payment-service/src/server.ts";
import { judgements, queries, rules } from "../support/monitoring.ts";

type Labels = Record<string, string>;
interface Series {
  name: string;
  labels: Labels;
}

/** What a server exports before anybody has asked it for anything: a counter that comes later has not risen. */
async function exported(
  service: string,
  server: Awaited<ReturnType<typeof startPayment>>,
): Promise<Series[]> {
  const { payload } = await server.inject("/metrics");
  await server.stop();
  // Prometheus adds these to whatever it scrapes.
  const target = {
    ...{ job: "services", namespace: `app-${service}`, service, pod: service },
    pod_template_hash: "new",
  };
  return [...payload.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, name = "", labels = ""]) => ({
    name,
    labels: {
      ...target,
      ...Object.fromEntries(matchers(labels).map(([key, , value]) => [key, value])),
    },
  }));
}

/** What is between braces. */
const matchers = (text: string) =>
  [...text.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = "", operator = "", value = ""]) => [label, operator, value] as const,
  );

const log = () => {};
const ours = [
  ...(await exported("payment", await startPayment({ env: { CALLER: "anybody" }, log }))),
  ...(await exported(
    "antaeus",
    await startAntaeus({
      env: {
        DATABASE: ":memory:",
        PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1/",
        BACKUP_SOCKET: "/nowhere",
      },
      log,
    }),
  )),
];

/** Those of Prometheus and of Argo CD, as far as they are used here. */
const others: Series[] = [
  ...["services", "argocd"].map((job) => ({
    name: "up",
    labels: { job, namespace: "app-payment", service: "", pod: "", pod_template_hash: "new" },
  })),
  {
    name: "argocd_app_info",
    labels: {
      job: "argocd",
      name: "",
      sync_status: "",
      health_status: "",
      autosync_enabled: "true",
    },
  },
  ...["prometheus_config_last_reload_successful", "prometheus_rule_evaluation_failures_total"].map(
    (name) => ({ name, labels: { job: "prometheus" } }),
  ),
];

/** Those that rules make of the others. */
const made: Series[] = rules.flatMap((rule) => {
  const common = { namespace: "", service: "" };
  if ("record" in rule) return [{ name: rule.record, labels: common }];
  return [{ name: "ALERTS", labels: { ...common, alertname: rule.alert, alertstate: "firing" } }];
});

/** Of PromQL, without strings, label lists and durations: a name that is no function, and what it has in braces. */
const selector = /(?<![\w.:])([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?/g;
const labelList = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const words = new Set(["and", "or", "unless", "offset", "bool", "group_left", "group_right"]);

const fulfils = (labels: Labels, [label, operator, value]: readonly [string, string, string]) => {
  const found = labels[label];
  if (found === undefined) return false;
  const equal = operator.endsWith("~") ? new RegExp(`^(?:${value})$`).test(found) : found === value;
  return equal !== operator.startsWith("!");
};

/** @returns what a query asks for that nobody exports */
function unknown(query: string, all: Series[]): string[] {
  const lists = [...query.matchAll(labelList)].map(([, list = ""]) => list);
  const rest = query.replace(labelList, "").replace(/\[[^\]]*\]/g, "");
  const selected: Series[] = [];
  const missing = [...rest.matchAll(selector)].flatMap(([text, name = "", braces = ""]) => {
    if (words.has(name)) return [];
    const series = all.filter(
      (one) =>
        one.name === name && matchers(braces).every((matcher) => fulfils(one.labels, matcher)),
    );
    selected.push(...series);
    return series.length > 0 ? [] : [text];
  });
  const labels = lists.flatMap((list) => list.split(",").map((label) => label.trim()));
  const nowhere = labels.filter((label) => !selected.some((series) => label in series.labels));
  return [...missing, ...new Set(nowhere)];
}

test("every series that a rule, a panel or a release's analysis names is there", (t) => {
  const all = [...ours, ...others, ...made];
  const asked = [...rules.map(({ expr }) => expr), ...queries, ...judgements];
  const found = asked.flatMap((query) => unknown(query, all));
  t.deepEqual([...new Set(found)], []);
});

test("the check itself: a name, a label and a value that nobody exports are found", (t) => {
  for (const [query, ...found] of [
    [
      'sum by (namespace) (rate(http_requests_total{route="/api/v1/charge", status=~"5.."}[5m])) > 1e3',
    ],
    [
      "max_over_time((timestamp(up) and up == 1)[1d:]) or service_draining unless on (pod) up offset 5m",
    ],
    ["sum(rate(http_request_total[5m])) / nodejs_heap", "http_request_total", "nodejs_heap"],
    ['http_requests_total{code="200"}', 'http_requests_total{code="200"}'],
    ['http_requests_total{code!="200"}', 'http_requests_total{code!="200"}'],
    ['http_requests_total{route="/{id}"}', 'http_requests_total{route="/{id}"}'],
    ["sum by (namespace, reson) (payment_callers_refused_total)", "reson"],
    ['argocd_app_info{sync="OutOfSync"}', 'argocd_app_info{sync="OutOfSync"}'],
  ] as [string, ...string[]][]) {
    t.deepEqual(unknown(query, [...ours, ...others]), found, query);
  }
});
