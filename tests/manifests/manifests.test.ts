import test from "ava";
import type { Manifest } from "../../tools/render/manifests.ts";
import { type Fields, kustomize, podSpecs, here as repository } from "../support/repository.ts";
import { isPinned } from "./images.ts";
import { unknownFields, violation } from "./schemas.ts";

console.log(`▸ Manifests are rendered by ${kustomize.name}`);

const { entryPoints, environments, services } = repository;
const render = (folder: string) => repository.render(folder);
const original = "apps/antaeus/components/published-original";
const ours = entryPoints.filter((folder) => !folder.endsWith("argocd"));

for (const folder of entryPoints) {
  test(`${folder} renders, and each object is valid`, async (t) => {
    const manifests = await render(folder);
    t.true(manifests.length > 0, "an empty render");
    for (const manifest of manifests) t.is(await violation(manifest), undefined);
  });
}

test("no manifest has a field that its kind does not know", async (t) => {
  const manifests = (await Promise.all(ours.map(render))).flat();
  t.is(await unknownFields(manifests, "all"), "");
});

test("the checks themselves: wrong values and unknown fields are found", async (t) => {
  const [deployment] = (await render("apps/antaeus/base")).filter(
    ({ kind }) => kind === "Deployment",
  );
  const changed = (change: (deployment: Manifest) => void) => {
    const copy = structuredClone(deployment as Manifest);
    change(copy);
    return copy;
  };
  const wrong = changed(({ spec }) => Object.assign(spec, { replicas: "two" }));
  t.regex((await violation(wrong)) ?? "", /replicas must be integer/);
  const misspelt = changed(({ spec }) => Object.assign(spec.template.spec, { hostNetwrok: false }));
  t.regex(await unknownFields([misspelt], "control"), /hostNetwrok.* does not exist/);
  const unheardOf = changed((copy) => Object.assign(copy, { kind: "Deploymnt" }));
  t.regex((await violation(unheardOf)) ?? "", /Deploymnt/);
});

test("there is more than one environment", (t) => {
  t.true(["production", "testing"].every((name) => environments.includes(name)));
});

for (const environment of environments) {
  test(`${environment}: a laptop differs from its cluster in addresses, and in Argo CD's own folder`, async (t) => {
    const onLaptop = await render(`clusters/local/${environment}`);
    const root = onLaptop.find(({ metadata }) => metadata.name === "root");
    // Its cluster's backup is in a bucket.
    const backup = environment === "production" ? ["../../local/backup"] : [];
    const components = ["../../local/repository", ...backup];
    t.deepEqual(root?.spec.source.kustomize, { components });
    t.deepEqual(anywhere(asItself(onLaptop)), anywhere(await render(`clusters/${environment}`)));

    // What the root syncs there: its folder, with the component that its source adds.
    const synced = await repository.renderWith(
      "clusters/local/repository",
      `clusters/${environment}/apps`,
    );
    // Argo CD itself is the laptop's, with a port and logins.
    const own = (folder: string) => `"path":"clusters/${folder}/argocd"`;
    t.true(JSON.stringify(synced).includes(own("local")));
    t.deepEqual(
      anywhere(
        asItself(JSON.parse(JSON.stringify(synced).replace(own("local"), own(environment)))),
      ),
      anywhere(asItself(await render(`clusters/${environment}/apps`))),
    );
    t.false(JSON.stringify([...onLaptop, ...synced]).includes(remote));
  });
}

/** Without what the component changes that the root's source adds on a laptop. */
const asItself = (manifests: Manifest[]) =>
  manifests.map((manifest) => {
    if (manifest.metadata.name === "payment-to-api-server") {
      // The policy names the API server's address, of which a laptop does not know more than that it is private.
      const [{ ports }] = manifest.spec.egress;
      return { ...manifest, spec: { ...manifest.spec, egress: [{ ports }] } };
    }
    if (
      !["monitoring", "rollouts", "root"].includes(manifest.metadata.name) ||
      !manifest.spec.source
    )
      return manifest;
    const { kustomize: _, ...source } = manifest.spec.source;
    return { ...manifest, spec: { ...manifest.spec, source } };
  });

const local = "http://git.git.svc/pe-gitops.git";
const remote = `https://github.com/${repository.nameOnGitHub}.git`;
/** Manifests wherever the repository is. */
const anywhere = (manifests: object[]) =>
  JSON.parse(JSON.stringify(manifests).replaceAll(local, "here").replaceAll(remote, "here"));

test("pinned means a version or a digest", (t) => {
  for (const image of ["a", "a:latest", "a:1", "a:24", "a:24.1-slim", "a:stable", "a@sha256:12"]) {
    t.false(isPinned(image), image);
  }
  for (const image of ["a:1.0.0", "a:v3.6.1", "a:24.21.0-bookworm", `a@sha256:${"0".repeat(64)}`]) {
    t.true(isPinned(image), image);
  }
});

test("the challenge's own Antaeus is an option that needs no more than ours, but memory and a place to write", async (t) => {
  const overlay = "apps/antaeus/overlays/testing";
  const before = podSpecs(await repository.render(overlay))[0]?.spec;
  const manifests = await repository.renderWith(original, overlay);
  const [{ spec }] = podSpecs(manifests) as [ReturnType<typeof podSpecs>[0]];
  const [container] = spec.containers;
  t.true(container.image.startsWith(`${repository.registry}/antaeus-original:`), container.image);
  t.deepEqual([before?.initContainers.length, spec.initContainers], [2, []]);
  t.deepEqual(spec.securityContext, before?.securityContext);
  t.deepEqual(container.securityContext, before?.containers[0].securityContext);
  t.deepEqual(spec.volumes, [{ name: "tmp", emptyDir: { sizeLimit: "100Mi" } }]);
  t.deepEqual(container.volumeMounts, [{ name: "tmp", mountPath: "/tmp" }]);
  t.is(container.readinessProbe.httpGet.path, "/rest/health");
  t.is(container.resources.limits.memory, "512Mi");
  t.deepEqual(
    container.env.find(({ name }: Fields) => name === "JAVA_TOOL_OPTIONS"),
    { name: "JAVA_TOOL_OPTIONS", value: "-Dsun.net.http.retryPost=false" },
  );
});

test("invoices are made up in testing, and not in production", async (t) => {
  const asked = async (environment: string) => {
    const [pod] = podSpecs(await repository.render(`apps/antaeus/overlays/${environment}`));
    return ["CUSTOMERS", "INVOICES_PER_CUSTOMER"].map(
      (variable) =>
        pod?.spec.containers[0].env.find(({ name }: Fields) => name === variable)?.value,
    );
  };
  t.deepEqual(await asked("testing"), ["25", "40"]);
  t.deepEqual(await asked("production"), ["0", "0"]);
});

test("payment for a caller without token and key knows repeats, and asks for nothing else", async (t) => {
  const manifests = await repository.renderWith(
    "apps/payment/components/keyless-caller",
    "apps/payment/base",
  );
  const [pod] = podSpecs(manifests.filter(({ kind }) => kind === "Rollout"));
  t.deepEqual(
    pod?.spec.containers[0].env.toSorted((a: Fields, b: Fields) => (a.name < b.name ? -1 : 1)),
    [
      { name: "ACCEPTANCE_SHARE", value: "0.5" },
      { name: "CALLER", value: "anybody" },
      { name: "REPEAT_WINDOW_SECONDS", value: "5" },
    ],
  );
});

test("without Argo CD the services are those of testing, and payment a Deployment of the same pods", async (t) => {
  const without = await render("clusters/without-argocd");
  const name = ({ kind, metadata }: Manifest) =>
    `${kind} ${metadata.namespace ?? ""} ${metadata.name}`;
  const testing = (
    await Promise.all([
      ...services.map((service) => render(`apps/${service}/overlays/testing`)),
      render("clusters/base/namespaces"),
    ])
  )
    .flat()
    // What Argo CD, Prometheus and Argo Rollouts bring, or need.
    .filter(
      ({ kind, metadata }) =>
        kind !== "AnalysisTemplate" &&
        !/^(argocd-deployer|monitoring-discovery|argo-rollouts-releases|.*-preview)$/.test(
          metadata.name,
        ),
    )
    .map((manifest) => (manifest.kind === "Rollout" ? deploymentOf(manifest) : manifest));
  const sorted = (manifests: Manifest[]) =>
    JSON.parse(
      JSON.stringify(manifests.sort((one, other) => name(one).localeCompare(name(other))))
        .replaceAll('"rollouts-pod-template-hash"', '"pod-template-hash"')
        .replaceAll('"argoproj.io/v1alpha1","kind":"Rollout"', '"apps/v1","kind":"Deployment"'),
    );
  t.deepEqual(sorted(without), sorted(testing));
});

/** What has the pods of a Rollout where nobody watches releases. */
const deploymentOf = ({ spec: { analysis, ...spec }, ...rest }: Manifest): Manifest => ({
  ...rest,
  apiVersion: "apps/v1",
  kind: "Deployment",
  spec: { ...spec, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
});
