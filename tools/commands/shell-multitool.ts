// make shell-multitool: a shell in the cluster, in a pod that goes when the shell ends. It stands where metrics
// are scraped from: but for Antaeus, payment answers nobody else.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { main, run, succeeds, UserError } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { cluster, localContext } from "../kubernetes/cluster.ts";

const image = "localhost/multitool:1.0.0";

main(async () => {
  for (const program of ["docker", "kind", "kubectl"]) {
    if (await succeeds("sh", ["-c", `command -v ${program}`])) continue;
    throw new UserError(
      `${program} is not here, and this needs it: make up says where it is from.`,
    );
  }
  await step("The shell's image (a minute the first time)", async () => {
    await run("docker", ["build", "--quiet", "--tag", image, "tools/multitool"]);
    await run("kind", ["load", "docker-image", image, "--name", cluster]);
  });
  console.log(`
  curl -i http://payment.app-payment:9000/health
  curl -i http://antaeus.app-antaeus:8000/rest/health
  curl -s http://antaeus.app-antaeus:8000/rest/v1/invoices | jq '[.[] | select(.status == "PAID")] | length'
  curl -i -X POST http://antaeus.app-antaeus:8000/rest/v1/invoices/pay
`);
  const terminal = process.stdin.isTTY ? ["--tty"] : [];
  // Of its own name: another shell may be open, or have left its pod behind.
  const name = `multitool-${randomUUID().slice(0, 8)}`;
  const pod = ["run", name, `--image=${image}`, `--overrides=${restricted(name)}`];
  const place = ["--namespace=monitoring", "--labels=metrics-scraper=true"];
  const how = [
    "--rm",
    "--stdin",
    ...terminal,
    "--restart=Never",
    "--quiet",
    "--override-type=strategic",
    "--command",
  ];
  const args = ["--context", localContext, ...pod, ...place, ...how, "--", "bash"];
  const { status } = spawnSync("kubectl", args, { stdio: "inherit" });
  process.exitCode = status ?? 1;
});

/** What a namespace of the level restricted asks of a pod with one container. */
const restricted = (name: string): string =>
  JSON.stringify({
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  });
