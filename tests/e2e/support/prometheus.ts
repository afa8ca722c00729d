import { retry } from "../../../tools/cli/progress.ts";
import { kubectl } from "./cluster.ts";

/** Where Prometheus is. */
export const monitoring = "monitoring";

/** Prometheus' API, by way of the API server: its network policy lets nobody else in. */
export async function ask<T>(path: string): Promise<T> {
  const names = ["get", "pods", "-n", monitoring, "-o", "jsonpath={.items[*].metadata.name}"];
  const [pod] = (await kubectl.run(names)).split(" ");
  const proxy = `/api/v1/namespaces/${monitoring}/pods/http:${pod}:9090/proxy/api/v1/${path}`;
  return JSON.parse(await kubectl.run(["get", "--raw", proxy])).data;
}

/** A query's value, when it has just one. */
export async function value(query: string): Promise<number> {
  const { result } = await ask<{ result: { value: [number, string] }[] }>(
    `query?query=${encodeURIComponent(query)}`,
  );
  if (result.length !== 1) throw new Error(`${query}: ${result.length} results`);
  return Number(result[0]?.value[1]);
}

/** The names of the alerts that fire. */
export const firing = async (): Promise<string[]> => {
  const { alerts } = await ask<{ alerts: { state: string; labels: Record<string, string> }[] }>(
    "alerts",
  );
  return alerts
    .filter(({ state }) => state === "firing")
    .map(({ labels }) => `${labels.alertname} ${labels.service}`);
};

/** Ends when Prometheus has read a configuration, or refused it. */
export async function untilReload(successful: 0 | 1): Promise<void> {
  // The kubelet looks at a pod's ConfigMaps when the pod changes, and else once a minute.
  const annotation = `e2e=${Date.now()}`;
  const of = ["pods", "-l", "app.kubernetes.io/name=prometheus", "-n", monitoring];
  await kubectl.run(["annotate", ...of, "--overwrite", annotation]);
  await retry(90, async () => {
    const found = await value("prometheus_config_last_reload_successful");
    if (found !== successful) throw new Error(`reload successful: ${found}`);
  });
}
