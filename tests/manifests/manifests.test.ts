import test from "ava";
import type { Manifest } from "../../tools/render/manifests.ts";
import { kustomize, podSpecs, Repository } from "../support/repository.ts";
import { isPinned } from "./images.ts";
import { unknownFields, violation } from "./schemas.ts";

console.log(`▸ Manifests are rendered by ${kustomize.name}`);

const repository = new Repository();
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
  const [deployment] = (await render("apps/payment/base")).filter(
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
  test(`${environment}: a laptop differs from its cluster in the repository's URL, and in Argo CD's own folder`, async (t) => {
    const onLaptop = await render(`clusters/local/${environment}`);
    const root = onLaptop.find(({ metadata }) => metadata.name === "root");
    t.deepEqual(root?.spec.source.kustomize, { components: ["../../local/repository"] });
    const { kustomize: _, ...source } = root?.spec.source ?? {};
    const without = onLaptop.map((manifest) =>
      manifest === root ? { ...manifest, spec: { ...manifest.spec, source } } : manifest,
    );
    t.deepEqual(anywhere(without), anywhere(await render(`clusters/${environment}`)));

    // What the root syncs there: its folder, with the component that its source adds.
    const synced = await repository.renderWith(
      "clusters/local/repository",
      `clusters/${environment}/apps`,
    );
    // Argo CD itself is the laptop's, with a port and logins.
    const own = (folder: string) => `"path":"clusters/${folder}/argocd"`;
    t.true(JSON.stringify(synced).includes(own("local")));
    t.deepEqual(
      anywhere(JSON.parse(JSON.stringify(synced).replace(own("local"), own(environment)))),
      anywhere(await render(`clusters/${environment}/apps`)),
    );
    t.false(JSON.stringify([...onLaptop, ...synced]).includes(remote));
  });
}

const local = "http://git.git.svc/pe-gitops.git";
const remote = "https://github.com/bpesics/pe-gitops.git";
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

test("the published original is an option that renders, and gets what it needs", async (t) => {
  const pods = podSpecs(await repository.renderWith(original, "apps/antaeus/overlays/testing"));
  const [{ spec }] = pods as [(typeof pods)[0]];
  t.is(spec.containers[0].image, "ghcr.io/bpesics/pe:latest");
  t.like(spec.securityContext, { runAsNonRoot: false, runAsUser: 0 });
  t.false(spec.containers[0].securityContext.readOnlyRootFilesystem);

  const platform = await repository.renderWith(original, "clusters/testing/apps");
  const policy = platform.find(({ metadata }) => metadata.name === "antaeus-to-payment");
  t.deepEqual(policy?.spec.egress.at(-1), {}, "Gradle comes from the internet");
  const levels = platform
    .filter(({ kind }) => kind === "Namespace")
    .map(({ metadata }) => [
      metadata.name,
      metadata.labels?.["pod-security.kubernetes.io/enforce"],
    ]);
  t.deepEqual(
    Object.fromEntries(levels),
    Object.fromEntries(
      services.map((name) => [`app-${name}`, name === "antaeus" ? "baseline" : "restricted"]),
    ),
  );
});
