import { basename } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { run } from "../scripts/lib/command.ts";
import { environmentsIn } from "../scripts/lib/environments.ts";
import type { Manifest } from "../scripts/lib/manifests.ts";
import {
  entryPoints,
  files,
  images,
  isPinned,
  kustomizations,
  kustomize,
  named,
  podSpecs,
  read,
  render,
  renderWith,
  services,
} from "./repository.ts";
import { unknownFields, violation } from "./schemas.ts";

console.log(`▸ Manifests are rendered by ${kustomize.name}`);

const original = "apps/antaeus/components/published-original";
const environments = environmentsIn();
const tracked = ["ls-files", "--cached", "--others", "--exclude-standard"];
const dockerfiles = (await run("git", [...tracked, "*Dockerfile"])).split("\n");
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

test("every manifest file is listed by a kustomization", (t) => {
  const listed = new Set(kustomizations.flatMap(named));
  const kind = "clusters/local/kind.yaml"; // read by kind, not by a cluster
  const stray = files.filter(
    (file) =>
      /\.ya?ml$/.test(file) &&
      basename(file) !== "kustomization.yaml" &&
      file !== kind &&
      !listed.has(file),
  );
  t.deepEqual(stray, []);
});

test("every folder is used: by another one, by an Application, or by a command", async (t) => {
  const used = new Set(kustomizations.flatMap(named));
  for (const folder of entryPoints) {
    for (const { kind, spec } of await render(folder))
      if (kind === "Application") used.add(spec.source.path);
  }
  // make up and the README apply these.
  for (const name of ["argocd", "git", "metrics-server", ...environments])
    used.add(`clusters/local/${name}`);
  used.add(original);
  const stray = kustomizations.filter(({ folder }) => !used.has(folder));
  t.deepEqual(stray, []);
});

/** The Applications of an environment, the root's included. */
async function applications(environment: string): Promise<Manifest[]> {
  const manifests = [
    ...(await render(`clusters/${environment}`)),
    ...(await render(`clusters/${environment}/apps`)),
  ];
  return manifests.filter(({ kind }) => kind === "Application");
}

test("there is more than one environment", (t) => {
  t.true(["production", "testing"].every((name) => environments.includes(name)));
});

for (const environment of environments) {
  test(`${environment}: an Application for each service, and each reads a folder that is there`, async (t) => {
    const found = await applications(environment);
    const names = found.map(({ metadata }) => metadata.name);
    t.deepEqual(names.sort(), [...services, "root"].sort());
    for (const { spec } of found) t.true(entryPoints.includes(spec.source.path), spec.source.path);
  });

  test(`${environment}: every service's namespace is restricted and never pruned`, async (t) => {
    const manifests = await render(`clusters/${environment}/apps`);
    const namespaces = manifests.filter(({ kind }) => kind === "Namespace");
    t.deepEqual(
      namespaces.map(({ metadata }) => metadata.name).sort(),
      services.map((service) => `app-${service}`),
    );
    for (const { metadata } of namespaces) {
      t.like(metadata, {
        labels: { "pod-security.kubernetes.io/enforce": "restricted" },
        annotations: { "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" },
      });
      const policies = manifests.filter(
        ({ kind, metadata: { namespace } }) =>
          kind === "NetworkPolicy" && namespace === metadata.name,
      );
      const deny = policies.find(({ metadata: { name } }) => name === "default-deny");
      t.deepEqual(deny?.spec, { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    }
  });

  test(`${environment}: Applications sync, heal, prune and retry by themselves`, async (t) => {
    for (const { spec } of await applications(environment)) {
      t.like(spec.syncPolicy, {
        automated: { prune: true, selfHeal: true },
        // The newest commit first.
        retry: { limit: 5, refresh: true },
        syncOptions: ["FailOnSharedResource=true"],
      });
    }
  });

  test(`${environment}: a laptop differs from its cluster in the repository's URL alone`, async (t) => {
    const onLaptop = await render(`clusters/local/${environment}`);
    const root = onLaptop.find(({ metadata }) => metadata.name === "root");
    t.deepEqual(root?.spec.source.kustomize, { components: ["../../local/repository"] });
    const { kustomize: _, ...source } = root?.spec.source ?? {};
    const without = onLaptop.map((manifest) =>
      manifest === root ? { ...manifest, spec: { ...manifest.spec, source } } : manifest,
    );
    t.deepEqual(anywhere(without), anywhere(await render(`clusters/${environment}`)));

    // What the root syncs there: its folder, with the component that its source adds.
    const synced = await renderWith("clusters/local/repository", `clusters/${environment}/apps`);
    t.deepEqual(anywhere(synced), anywhere(await render(`clusters/${environment}/apps`)));
    t.false(JSON.stringify([...onLaptop, ...synced]).includes(remote));
  });
}

const local = "http://git.git.svc/pe-gitops.git";
const remote = "https://github.com/bpesics/pe-gitops.git";
/** Manifests wherever the repository is. */
const anywhere = (manifests: object[]) =>
  JSON.parse(JSON.stringify(manifests).replaceAll(local, "here").replaceAll(remote, "here"));

test("every image is pinned", async (t) => {
  for (const folder of entryPoints) {
    for (const image of images(await render(folder))) {
      // A base leaves the tag to its overlays.
      if (!folder.endsWith("/base")) t.true(isPinned(image), `${folder}: ${image}`);
    }
  }
  const others = [
    ...dockerfiles.flatMap((file) => [...read(file).matchAll(/^FROM (\S+)/gm)]),
    ...read("clusters/local/kind.yaml").matchAll(/image: (\S+)/g),
  ].map(([, image]) => image as string);
  t.true(others.length > 5);
  for (const image of others) t.true(image === "scratch" || isPinned(image), image);
});

test("pinned means a version or a digest", (t) => {
  for (const image of ["a", "a:latest", "a:1", "a:24", "a:24.1-slim", "a:stable", "a@sha256:12"]) {
    t.false(isPinned(image), image);
  }
  for (const image of ["a:1.0.0", "a:v3.6.1", "a:24.21.0-bookworm", `a@sha256:${"0".repeat(64)}`]) {
    t.true(isPinned(image), image);
  }
});

test("the pods of every service are restricted, probed and limited", async (t) => {
  const overlays = entryPoints.filter((folder) => folder.startsWith("apps/"));
  const pods = podSpecs((await Promise.all(overlays.map(render))).flat());
  t.true(pods.length >= 2);
  for (const { spec } of pods) {
    t.like(spec, {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    for (const container of spec.containers) {
      t.like(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      t.truthy(container.startupProbe && container.readinessProbe && container.livenessProbe);
      const { requests, limits } = container.resources;
      t.truthy(requests.cpu && requests.memory && limits.cpu && limits.memory);
    }
  }
});

test("the ports that kind opens are those of Services, and the other way round", async (t) => {
  const folders = entryPoints.filter((folder) => folder.includes("/overlays/"));
  const manifests = (await Promise.all(["clusters/local/argocd", ...folders].map(render))).flat();
  const nodePorts = manifests
    .filter(({ kind, spec }) => kind === "Service" && spec.type === "NodePort")
    .flatMap(({ spec }) =>
      spec.ports.flatMap((port: { nodePort?: number }) => port.nodePort ?? []),
    );
  const [node] = parse(read("clusters/local/kind.yaml")).nodes;
  const opened = node.extraPortMappings.map(
    (port: { containerPort: number }) => port.containerPort,
  );
  t.deepEqual([...new Set(nodePorts)].sort(), opened.sort());
});

test("the repository's URL is said in one place", (t) => {
  const places = files.filter((file) => read(file).includes("bpesics/pe-gitops"));
  t.deepEqual(places, ["clusters/repository/kustomization.yaml"]);
});

test("one version of each tool and of Argo CD everywhere", async (t) => {
  const versions = Object.fromEntries(
    read(".tool-versions")
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
  for (const file of dockerfiles)
    t.true(read(file).includes(`FROM node:${versions.nodejs}-bookworm`), file);
  t.true(read("clusters/local/kind.yaml").includes(`kindest/node:v${versions.kubectl}`));
  const argocd = [...(await render("argocd")), ...(await render("clusters/local/git"))];
  const tags = images(argocd).filter((image) => image.includes("argoproj/argocd"));
  t.is(new Set(tags).size, 1, tags.join());
});

test("the published original is an option that renders, and gets what it needs", async (t) => {
  const pods = podSpecs(await renderWith(original, "apps/antaeus/overlays/testing"));
  const [{ spec }] = pods as [(typeof pods)[0]];
  t.is(spec.containers[0].image, "ghcr.io/bpesics/pe:latest");
  t.like(spec.securityContext, { runAsNonRoot: false, runAsUser: 0 });
  t.false(spec.containers[0].securityContext.readOnlyRootFilesystem);

  const platform = await renderWith(original, "clusters/testing/apps");
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
