import { globSync, readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

interface Rule {
  expr: string;
}

interface Alert extends Rule {
  alert: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

interface Record extends Rule {
  record: string;
}

const folder = "clusters/base/monitoring";

export const ruleFiles = globSync(`${folder}/rules/*.yaml`);

export const rules: (Alert | Record)[] = ruleFiles.flatMap((file) =>
  parse(readFileSync(file, "utf8")).groups.flatMap((group: { rules: Rule[] }) => group.rules),
);

export const alerts = rules.filter((rule) => "alert" in rule);

interface Panel {
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

export const dashboards: { title: string; panels: Panel[] }[] = globSync(
  `${folder}/dashboards/*.json`,
).map((file) => JSON.parse(readFileSync(file, "utf8")));

/** What releases of payment are judged by, of the pods with the hash `new`. */
export const judgements: string[] = parseAllDocuments(
  readFileSync("apps/payment/base/analysis.yaml", "utf8"),
)
  .flatMap((document) => document.toJS().spec.metrics)
  .flatMap(({ provider }) => provider.prometheus?.query ?? [])
  .map((query: string) => query.replace(/\{\{args\..*?\}\}/g, "new"));

/** What panels ask for, of every service. */
export const queries: string[] = dashboards
  .flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets))
  .map(({ expr }) => expr.replaceAll("$service", ".+").replaceAll("$__rate_interval", "1m"));
