// make restore: Antaeus' invoices as they were at a moment (TIME=2026-11-30T12:00:00Z), from the backup.
import { main, UserError } from "../cli/command.ts";
import { option } from "../cli/options.ts";
import { retry, step, waitFor } from "../cli/progress.ts";
import { type Application, Kubectl } from "../kubernetes/cluster.ts";
import { type PodSpec, restorePod } from "../kubernetes/restore.ts";

const time = option("TIME");
const inNamespace = ["-n", "app-antaeus"];
const application = ["applications.argoproj.io", "antaeus", "-n", "argocd"];
const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const runbook = "docs/operations.md has more under Invoices are lost or wrong.";

main(async () => {
  if (!form.test(time) || !(Date.parse(time) < Date.now())) {
    throw new UserError(
      `TIME must be a moment that has passed, such as 2026-11-30T12:00:00Z, and is "${time}".`,
    );
  }
  // An API server that is away for a moment must not leave Antaeus stopped.
  const { context } = await Kubectl.current();
  const kubectl = new Kubectl(context, 60);
  const deployment = await kubectl.json<{ spec: { template: { spec: PodSpec } } }>([
    ...["get", "deployment", "antaeus", ...inNamespace],
  ]);
  const beside = `/data/before-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}`;
  const pod = restorePod(deployment.spec.template.spec, time, beside);
  if (!pod) throw new UserError("Antaeus has no backup on this cluster.");
  const name = [`pod/${pod.metadata.name}`, ...inNamespace];
  const refuseWhereThereIsOne = async () => {
    if (await kubectl.run(["get", ...name, "--ignore-not-found", "-o", "name"]))
      throw new UserError(`A restore goes on, or was interrupted: ${runbook}`);
  };
  await refuseWhereThereIsOne();

  const read = () => kubectl.json<Application>(["get", ...application]);
  const { automated } = (await read()).spec?.syncPolicy ?? {};
  const wasOn = automated !== undefined && automated.enabled !== false;
  const scale = (replicas: number) =>
    kubectl.run(["scale", "deployment/antaeus", `--replicas=${replicas}`, ...inNamespace]);
  process.once("exit", (code) => {
    if (code === 130) console.error(`\n✘ Interrupted: Antaeus may be stopped. ${runbook}`);
  });

  // Of two restores at once one makes the pod, and the other leaves the rest to it.
  let isOurs = false;
  try {
    await step(`Stopping Antaeus in ${context}, and Argo CD's auto-sync of it`, async () => {
      if (wasOn) await kubectl.autoSync("antaeus", false);
      await retry(60, async () => {
        if ((await read()).status?.operationState?.phase === "Running")
          throw new UserError("Argo CD syncs antaeus: end that, or wait for it.");
      });
      await scale(0);
      const all = [
        ...["pods", "--selector=app.kubernetes.io/name=antaeus,pod-template-hash"],
        // One that was evicted stays listed.
        ...["--field-selector=status.phase!=Failed", ...inNamespace],
      ];
      await kubectl.run(["wait", "--for=delete", ...all, "--timeout=2m"]);
    });
    await step(`Restoring what was at ${time}`, async () => {
      await kubectl.run(["create", ...inNamespace, "-f", "-"], JSON.stringify(pod));
      isOurs = true;
      const ended = await waitFor(1000, async () => {
        const now = await kubectl.run(["get", ...name, "-o", "jsonpath={.status.phase}"]);
        return ["Succeeded", "Failed"].includes(now) ? now : undefined;
      });
      if (ended === "Succeeded") return;
      const log = await kubectl.run(["logs", ...name]).catch(() => "");
      const why =
        /^Error: .*/m.exec(log)?.[0] ?? `The pod ${ended ? "failed" : "did not end"}: ${log}`;
      throw new UserError(`Nothing is restored, and Antaeus goes on as before. ${why}`);
    });
  } finally {
    await step("Starting Antaeus again", async () => {
      if (isOurs) await kubectl.run(["delete", ...name, "--ignore-not-found"]);
      else await refuseWhereThereIsOne();
      await scale(1);
      if (wasOn) await kubectl.autoSync("antaeus", true);
    });
  }
  const status = ["rollout", "status", "deployment/antaeus", "--timeout=5m", ...inNamespace];
  await step("Waiting until it answers", () => kubectl.run(status));
  console.log(`\n  What was there before is in the volume, in ${beside}.`);
  if (!wasOn) console.log(`  Argo CD's auto-sync was off before, and stays off. ${runbook}`);
});
