import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Advice, run } from "../cli/command.ts";
import { imageIn, overlayFile } from "../images/images.ts";
import { environmentsIn } from "../repository/environments.ts";
import { checkName, Plan, renaming } from "./plan.ts";
import { ownFiles } from "./service-source.ts";

/** The service whose files every new one starts from. */
const model = "payment";

/**
 * A new service, its team and its fences: payment's files under another name, without what is payment's
 * alone. It answers to probes; nobody may call it, and it may call nobody, until its network policies say so.
 * @param root the working copy
 * @returns what is to be written
 * @throws Advice about a name that is missing, taken or malformed
 */
export async function newService(root: string, name: string): Promise<Plan> {
  const services = readdirSync(join(root, "apps"));
  // The last three are projects, deployers or logins that are no service's.
  checkName(name, "service", [...services, "default", "nobody", "platform"]);
  if (name.endsWith("-service")) {
    throw new Advice(`Leave the end of ${name} off: its source will be in ${name}/ all the same.`);
  }
  const plan = new Plan(root);
  const rename = renaming(model, name);
  /** Adds to a list that has an entry for each service the one of this service, after the last. */
  const enlist = (file: string, entry: (service: string) => string) =>
    plan.edit(file, (text) => afterLast(text, services.map(entry), entry(name)));

  await addSource(plan, name);

  plan.copy(`apps/${model}/base`, `apps/${name}/base`, rename);
  plan.edit(`apps/${name}/base/kustomization.yaml`, (base) =>
    base.replace(/^( +literals:\n)(?: +- .*\n)+/m, "$1      - PORT=9000\n"),
  );
  for (const environment of environmentsIn(root)) {
    const { name: image } = imageIn(rename(plan.read(overlayFile(model, environment))));
    plan.create(overlayFile(name, environment), overlay(image));
    const applications = `clusters/${environment}/apps`;
    plan.create(`${applications}/${name}.yaml`, rename(plan.read(`${applications}/${model}.yaml`)));
    enlist(`${applications}/kustomization.yaml`, (service) => `  - ${service}.yaml\n`);
  }

  addNamespace(plan, name, rename);
  enlist("clusters/base/namespaces/kustomization.yaml", (service) => `  - app-${service}\n`);
  enlist(
    "clusters/without-argocd/kustomization.yaml",
    (service) => `  - ../../apps/${service}/overlays/testing\n`,
  );

  const projects = "argocd/projects";
  plan.create(`${projects}/${name}.yaml`, rename(plan.read(`${projects}/${model}.yaml`)));
  enlist(`${projects}/kustomization.yaml`, (service) => `  - ${service}.yaml\n`);
  plan.edit("argocd/deployers/teams.yaml", (text) => {
    const account = text.split("---\n").find((one) => one.includes(`name: ${model}\n`)) ?? "";
    return `${text}---\n${rename(account)}`;
  });
  enlist("argocd/deployers/impersonation.yaml", (service) => `${service}, `);

  const logins = "clusters/local/argocd/logins.yaml";
  enlist(logins, (service) => `  accounts.local-${service}: login\n`);
  enlist(logins, (service) => `    g, local-${service}, proj:${service}:team\n`);

  enlist(".github/CODEOWNERS", (service) => {
    const [source, apps] = [`/${service}-service/`, `/apps/${service}/`];
    return `\n${source}   @bpesics/${service}\n${apps.padEnd(source.length)}   @bpesics/${service}\n`;
  });
  return plan;
}

/** The service itself: image, build and life cycle as the others have them, and no route but for probes. */
async function addSource(plan: Plan, name: string): Promise<void> {
  const to = `${name}-service`;
  const rename = renaming(model, name);
  for (const file of [".dockerignore", ".npmrc", "Dockerfile", "tsconfig.json"])
    plan.create(`${to}/${file}`, rename(plan.read(`${model}-service/${file}`)));
  // Payment's own can be a Lambda function too.
  const from = "antaeus-service";
  for (const file of ["src/main.ts", "src/drain.ts", "src/log.ts"])
    plan.create(`${to}/${file}`, plan.read(`${from}/${file}`));
  for (const [file, text] of Object.entries(ownFiles)) plan.create(`${to}/${file}`, text);

  const manifest = JSON.parse(plan.read(`${from}/package.json`));
  const { build, start, test } = manifest.scripts;
  Object.assign(manifest, {
    name: to,
    description: "A new service: it says that it is there.",
    scripts: { build, start, test },
    ava: { extensions: ["ts"], files: ["src/**/*.test.ts"] },
  });
  const wanted = ["@hapi/boom", "@hapi/hapi", "joi"];
  for (const other of Object.keys(manifest.dependencies).filter((one) => !wanted.includes(one)))
    delete manifest.dependencies[other];
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  plan.create(`${to}/package.json`, text);
  plan.create(
    `${to}/package-lock.json`,
    await lockFor(text, plan.read(`${from}/package-lock.json`), plan.read(`${from}/.npmrc`)),
  );
}

/** @returns a lock file for a package.json, with the versions of another lock file */
async function lockFor(manifest: string, lock: string, npmrc: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-new-"));
  try {
    writeFileSync(join(folder, "package.json"), manifest);
    writeFileSync(join(folder, "package-lock.json"), lock);
    writeFileSync(join(folder, ".npmrc"), npmrc);
    // It only takes packages away, so npm needs no registry.
    await run("npm", ["install", "--package-lock-only", "--offline"], { cwd: folder });
    return readFileSync(join(folder, "package-lock.json"), "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The namespace: what the platform gives to every service, without what it gives to payment alone. */
function addNamespace(plan: Plan, name: string, rename: (text: string) => string): void {
  const [from, to] = [model, name].map((service) => `clusters/base/namespaces/app-${service}`);
  const files = ["namespace.yaml", "deployer.yaml", "quota.yaml", "network-policies.yaml"];
  for (const file of files) plan.create(`${to}/${file}`, rename(plan.read(`${from}/${file}`)));
  plan.edit(`${to}/network-policies.yaml`, (text) => {
    const policies = text.split("---\n");
    return policies.filter((one) => /^ {2}name: (default-deny|dns)$/m.test(one)).join("---\n");
  });
  plan.create(
    `${to}/kustomization.yaml`,
    rename(plan.read(`${from}/kustomization.yaml`)).replaceAll(/^ {2}- (.*)\n/gm, (line, file) =>
      files.includes(file) ? line : "",
    ),
  );
}

/** @param image without tag; until the first build there is none */
const overlay = (image: string) => `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../base
images:
  - name: ${image}
    newTag: 0.0.0
`;

/** Puts an entry behind the last one of those that are there; into the text as it is when there is none. */
function afterLast(text: string, entries: string[], entry: string): string {
  const end = Math.max(
    ...entries.filter((one) => text.includes(one)).map((one) => text.lastIndexOf(one) + one.length),
  );
  return end > 0 ? text.slice(0, end) + entry + text.slice(end) : text;
}
