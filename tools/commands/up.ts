// make up: a cluster in Docker, Argo CD in it, and the commits of this working copy.
import { createServer } from "node:net";
import { join } from "node:path";
import { styleText } from "node:util";
import { main, run, succeeds, UserError } from "../cli/command.ts";
import { flagOption, option } from "../cli/options.ts";
import { retry, step, waitFor, warn } from "../cli/progress.ts";
import { publish } from "../delivery/git-endpoint.ts";
import { filesOf, head } from "../git/git.ts";
import { argoCDReady, logins, makeLogins } from "../kubernetes/argocd.ts";
import { cluster, isLive, Kubectl, localContext, reasons } from "../kubernetes/cluster.ts";
import { antaeusUrl, argoCDUrl, hostPorts } from "../kubernetes/kind.ts";
import { backup, backupFolder, backupLeft, openBackup } from "../local/backup.ts";
import { installHook } from "../local/hook.ts";
import { withLocalImages } from "../local/local-images.ts";
import { connectRegistry, startRegistry, toPush } from "../local/registry.ts";
import { environmentsIn } from "../repository/environments.ts";

const kubectl = new Kubectl(localContext, 60);
/** Which of the environments this laptop plays. */
const environment = option("ENVIRONMENT", "testing");
/** Whether Antaeus starts from the backup of an earlier cluster, where a cluster has to be made. */
const restore = flagOption("RESTORE");

main(async () => {
  await checkTools();
  const commit = await head();
  const files = await filesOf(commit);
  const environments = environmentsIn(files);
  if (!environments.includes(environment)) {
    throw new UserError(
      `ENVIRONMENT must be one of ${environments.join(", ")}, and is "${environment}".`,
    );
  }
  await step("A cluster in Docker", async (say) => {
    await ensureCluster(files, say);
    await openBackup();
    await apply(files, "clusters/local/backup-volume");
  });
  const deployed = await step("The images (minutes the first time)", async (say) => {
    await connectRegistry(await startRegistry());
    await buildGit(files, say);
    return withLocalImages(commit, { environment, say });
  });
  await step("Argo CD", (say) => installArgoCD(files, say));
  await step("A login for each team", () =>
    // Argo CD's server starts over when it reads new settings.
    retry(60, () => makeLogins(kubectl)),
  );
  await step(`Commit ${commit.slice(0, 7)}, in a Git endpoint in the cluster`, async () => {
    await apply(files, "clusters/local/git");
    await kubectl.run(["rollout", "status", "deployment/git", "-n", "git", "--timeout=5m"]);
    await retry(60, () => publish(kubectl, deployed));
  });
  await step("What this commit says, synced by Argo CD", async (say) => {
    await apply(files, `clusters/local/${environment}`);
    await waitUntilLive(deployed, say);
  });
  const hook = await installHook();
  if (hook) warn(hook);
  await sayWhatNext();
});

async function checkTools(): Promise<void> {
  const missing: string[] = [];
  if (!(await succeeds("docker", ["--version"])))
    missing.push("Docker: docs.docker.com/get-docker");
  else if (!(await succeeds("docker", ["info"])))
    missing.push("a running Docker: start Docker Desktop or dockerd");
  if (!(await succeeds("kind", ["version"]))) missing.push("kind: kind.sigs.k8s.io");
  if (!(await succeeds("kubectl", ["version", "--client"])))
    missing.push("kubectl: kubernetes.io/docs/tasks/tools");
  if (missing.length > 0) {
    throw new UserError(
      `A cluster here needs\n${missing.map((tool) => `    ${tool}`).join("\n")}\n  Without any of it: make run makes a pay run in plain Node.`,
    );
  }
}

/** Makes the cluster, or wakes it up; one that cannot be woken is made anew. */
async function ensureCluster(files: string, say: (line: string) => void): Promise<void> {
  let keep = restore;
  const clusters = await run("kind", ["get", "clusters"]);
  if (clusters.split("\n").includes(cluster)) {
    const isThere = (how: string) => {
      if (!restore) return say(how);
      throw new UserError(
        "RESTORE=1 is for a new cluster: make down, then make up RESTORE=1. Or make restore.",
      );
    };
    if (await answers()) return isThere("it is there already");
    say("it does not answer: waking it up, which may take a minute");
    const nodes = await run("kind", ["get", "nodes", "--name", cluster]);
    await run("docker", ["start", ...nodes.split("\n").filter(Boolean)]).catch(() => {});
    if (await waitFor(60, async () => (await answers()) || undefined)) return isThere("it is back");
    keep = backupLeft() !== "";
    const invoices = keep ? `come back from ${backup}` : "do not come back";
    warn(`The cluster does not come back: making a new one. Its invoices ${invoices}.`);
    await run("kind", ["delete", "cluster", "--name", cluster]);
  }
  if (restore && !backupLeft())
    throw new UserError(
      `There is no backup in ${backup}. Those of earlier clusters are beside it: mv .backup/2026-... ${backup}`,
    );
  await checkPorts(files);
  const aside = backupFolder(keep);
  if (aside)
    warn(
      `The invoices are new ones: the backup of an earlier cluster is now in ${aside}. To have it back: ` +
        `make down, rm -r ${backup}, mv ${aside} ${backup}, make up RESTORE=1.`,
    );
  const config = join(files, "clusters/local/kind.yaml");
  await run("kind", ["create", "cluster", "--config", config, "--wait", "3m"], { show: true });
}

async function answers(): Promise<boolean> {
  try {
    await run("kind", ["export", "kubeconfig", "--name", cluster]);
    const ready = ["wait", "nodes", "--all", "--for=condition=Ready"];
    await new Kubectl(localContext).run([...ready, "--timeout=5s", "--request-timeout=5s"]);
    return true;
  } catch {
    return false;
  }
}

/** @param files of the commit, whose ports the cluster gets */
async function checkPorts(files: string): Promise<void> {
  for (const [use, port] of Object.entries(hostPorts(files))) {
    const free = await new Promise((resolve) => {
      const server = createServer()
        .once("error", () => resolve(false))
        .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (!free) {
      throw new UserError(
        `Port ${port} of this machine is taken, and the cluster needs it for ${use}. ` +
          `End what listens there (lsof -nP -i :${port} names it), or choose another hostPort in ` +
          "clusters/local/kind.yaml and commit: everything else takes it from there.",
      );
    }
  }
}

/** The image of the Git endpoint, which no registry elsewhere has. */
async function buildGit(files: string, say: (line: string) => void): Promise<void> {
  const folder = join(files, "clusters/local/git");
  const [, image = ""] = /image: (\S+)/.exec(await run("kubectl", ["kustomize", folder])) ?? [];
  say(image);
  const pushed = toPush(image);
  await run("docker", ["build", "--quiet", "--tag", pushed, folder]);
  await run("docker", ["push", "--quiet", pushed]);
}

/** Installs Argo CD. From then on it is as Git says; but one that is not well may be unable to read that. */
async function installArgoCD(files: string, say: (line: string) => void): Promise<void> {
  const own = ["get", "applications.argoproj.io", "argocd", "-n", "argocd"];
  const keepsItself = await kubectl
    .run(own)
    .then(() => argoCDReady(kubectl, "1m"))
    .then(
      () => true,
      () => false,
    );
  if (keepsItself) return say("it is there, and keeps itself as Git says");
  // As Argo CD's own manager of fields: a field that Git drops has no other owner then, and goes.
  await apply(files, "clusters/local/argocd", "--field-manager=argocd-controller");
  const established = ["--for=condition=Established", "crd/applications.argoproj.io"];
  await kubectl.run(["wait", ...established, "--timeout=1m"]);
  await argoCDReady(kubectl, "10m").catch(() => {
    throw new UserError(
      "Argo CD does not start: kubectl -n argocd get pods says which part; make down and make up start over.",
    );
  });
}

/** Applies a folder of the commit. On the server's side, because Argo CD's CRDs are too large for the client's. */
async function apply(files: string, folder: string, ...options: string[]): Promise<void> {
  const how = ["--server-side", "--force-conflicts", ...options];
  await kubectl.run(["apply", ...how, "-k", join(files, folder)]);
}

async function waitUntilLive(commit: string, say: (line: string) => void): Promise<void> {
  if (await kubectl.untilLive(commit, 600, say)) return;
  const left = (await kubectl.applications()).filter((one) => !isLive(one, commit));
  const why = left.flatMap((one) => [
    one.metadata.name,
    ...reasons(one).map((reason) => `  ${reason}`),
  ]);
  throw new UserError(
    `Not everything is live after ten minutes:\n  ${why.join("\n  ")}\n  make status shows it again; make down and make up start over.`,
  );
}

async function sayWhatNext(): Promise<void> {
  const bold = (text: string) => styleText("bold", text);
  const users = Object.entries(await logins(kubectl));
  console.log(`
  ${bold("Antaeus")}   ${antaeusUrl}/rest/v1/invoices
  ${bold("Argo CD")}   ${argoCDUrl}, as
${users.map(([user, password]) => `            ${user.padEnd(16)} ${password}`).join("\n")}

  ${bold("Try")}       make pay         half of the pending invoices get PAID
            make status      what is deployed
            change a value in apps/payment/overlays/testing, git commit, and watch it roll
            make down        remove all of it but the backup
`);
}
