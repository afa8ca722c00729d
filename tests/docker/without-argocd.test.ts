import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { filesOf, head } from "../../tools/git/git.ts";
import { withLocalImages } from "../../tools/local/local-images.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import { isFair, payRun, report } from "../../tools/pay-run/pay-run.ts";
import { commandsUnder } from "../../tools/repository/markdown-commands.ts";
import {
  address,
  removeSecondCluster,
  secondCluster,
  startSecondCluster,
} from "../support/second-cluster.ts";

const multitool = "localhost/multitool:1.0.0";
const files = await filesOf(await withLocalImages(await head()));
const bash = (command: string) => run("bash", ["-ec", command], { cwd: files });
process.env.NODE_IP = address;

test.before(async () => {
  await startSecondCluster();
  await run("docker", ["build", "--quiet", "--tag", multitool, "tools/multitool"]);
  await run("kind", ["load", "docker-image", multitool, "--name", secondCluster]);
});

test.after.always(removeSecondCluster);

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
      run("kubectl", ["exec", "-n", "monitoring", "multitool", "--", "bash", "-ec", command]);
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
