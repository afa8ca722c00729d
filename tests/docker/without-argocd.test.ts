import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run, succeeds } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { filesOf, head } from "../../tools/git/git.ts";
import { withLocalImages } from "../../tools/local/local-images.ts";
import { connectRegistry, localRegistry, startRegistry } from "../../tools/local/registry.ts";
import { isFair, payRun, report } from "../../tools/pay-run/pay-run.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";

// An empty cluster beside the one with Argo CD: the same, but for its address.
const cluster = "pe-gitops-e2e";
const address = "127.0.0.2";
const multitool = "localhost/multitool:1.0.0";
const folder = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
const env = { ...process.env, KUBECONFIG: join(folder, "kubeconfig"), NODE_IP: address };
const files = await filesOf(await withLocalImages(await head()));
const bash = (command: string) => run("bash", ["-ec", command], { cwd: files, env });

test.before(async () => {
  const config = readFileSync("clusters/local/kind.yaml", "utf8")
    .replace("name: pe-gitops", `name: ${cluster}`)
    .replaceAll("127.0.0.1", address);
  writeFileSync(join(folder, "kind.yaml"), config);
  await run("kind", ["delete", "cluster", "--name", cluster], { env });
  const create = ["create", "cluster", "--config", join(folder, "kind.yaml"), "--wait", "3m"];
  await run("kind", create, { env });
  await connectRegistry(await startRegistry(), cluster);
  await run("docker", ["build", "--quiet", "--tag", multitool, "tools/multitool"]);
  await run("kind", ["load", "docker-image", multitool, "--name", cluster]);
});

test.after.always(async () => {
  await succeeds("kind", ["delete", "cluster", "--name", cluster]);
  rmSync(folder, { recursive: true });
});

test.serial(
  "as the challenge tests it: deploy, pay, and about half of the invoices are PAID",
  async (t) => {
    const [deploy = "", own = "", place = "", inCluster = "", outside = ""] = commandsUnder(
      "README.md",
      "As the challenge tests it",
    );

    // A registry of one's own, by the command that README has for it.
    const images = await bash(
      "kubectl kustomize clusters/without-argocd | grep --only-matching 'ghcr.io/[^@]*'",
    );
    const image = (service: string) =>
      images
        .split("\n")
        .find((name) => name.includes(`/${service}:`))
        ?.replace("ghcr.io", localRegistry) ?? "";
    const named = own
      .replace("REGISTRY/payment:TAG", image("payment"))
      .replace("REGISTRY/antaeus:TAG", image("antaeus"));
    t.regex(named, new RegExp(`${localRegistry}.*${localRegistry}`));
    await bash(named);

    const [, dryRun = "", ...apply] = deploy.trim().split("\n");
    t.regex(await bash(dryRun), /deployment.apps\/antaeus created \(dry run\)/);
    t.false(
      (await bash("kubectl get namespaces --output name")).includes("app-"),
      "nothing is made yet",
    );
    for (const command of apply) t.log(await bash(command));

    // From a pod in the cluster, as README places it.
    const pod = place
      .replace("--rm --stdin --tty ", "")
      .replace("IMAGE -- bash", `${multitool} -- sleep infinity`);
    await bash(pod);
    await bash("kubectl -n monitoring wait --for=condition=Ready --timeout=1m pod/multitool");
    const within = (command: string) =>
      run("kubectl", ["exec", "-n", "monitoring", "multitool", "--", "bash", "-ec", command], {
        env,
      });
    const [payment = "", health = "", count = "", pay = "", countAgain = ""] = inCluster
      .trim()
      .split("\n");
    t.regex(await retry(30, () => within(payment)), /^HTTP\/1.1 200 .*"status":"ok"/s);
    t.regex(await within(health), /^HTTP\/1.1 200 .*"ok"/s);
    const before = Number(await within(count));
    t.regex(await within(pay), /^HTTP\/1.1 200 .*(true|false)$/s);
    const after = Number(await within(countAgain));
    t.log(`${before} PAID before, ${after} after`);
    t.true(after > before);

    // From outside, with the numbers.
    const antaeus = `http://${address}:30008`;
    const [callIt = "", remove = ""] = outside.trim().split("\n");
    t.regex(await bash(callIt), /^HTTP\/1.1 200 .*"ok"/s);
    const second = await payRun(antaeus);
    t.log(report(second));
    t.true(isFair(second));
    const all = second.before.length;
    t.true(
      Math.abs(after - before - (all - before) / 2) <= 3 * Math.sqrt(all),
      `${after} of ${all}`,
    );

    // The control: payment is Antaeus' alone here, too.
    const stranger =
      "kubectl run stranger --image=localhost/multitool:1.0.0 --restart=Never -- sleep infinity";
    await bash(`${stranger}; kubectl wait --for=condition=Ready --timeout=1m pod/stranger`);
    const asks =
      "kubectl exec stranger -- curl --silent --max-time 5 http://payment.app-payment:9000/health";
    await t.throwsAsync(bash(asks));

    await bash(remove);
    t.false((await bash("kubectl get namespaces --output name")).includes("app-"));
  },
);
