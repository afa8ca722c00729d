import { readFileSync } from "node:fs";
import test from "ava";
import { run } from "../../tools/cli/command.ts";

interface Config {
  enabledManagers: string[];
  customManagers: {
    managerFilePatterns: string[];
    matchStrings: string[];
    depNameTemplate?: string;
    datasourceTemplate?: string;
  }[];
  packageRules: { [field: string]: unknown; matchManagers?: string[]; matchDepNames?: string[] }[];
}

const config: Config = JSON.parse(readFileSync(".github/renovate.json", "utf8"));

/**
 * Where versions can stand. Tests write some that nobody runs, lockfiles follow package.json, and the services' sources
 * speak of versions of formats and browsers.
 */
const files = (await run("git", ["ls-files"]))
  .split("\n")
  .filter(
    (file) =>
      !/package-lock\.json$|^tests\/|^e2e\/|\.test\.ts$|-service\/(src|tests)\/|^packages\/.*\/src\//.test(
        file,
      ),
  )
  .map((path) => ({ path, text: readFileSync(path, "utf8") }));

type File = (typeof files)[number];

/** A version that a manager updates, at the place that names it. */
interface Dependency {
  place: string;
  manager: string;
  name: string;
}

/** The place of a match: its file and line. */
const at = ({ path, text }: File, index: number): string =>
  `${path}:${text.slice(0, index).split("\n").length}`;

/** What pins something: a whole version, a runner, or the Kubernetes of a policy. */
const pin =
  /(?<![\w.-])v?\d+\.\d+\.\d+(?!\.?\d)|ubuntu-\d\d\.\d\d|(?<=enforce-version: )v\d+\.\d+$|@[0-9a-f]{40}\b|@sha256:[0-9a-f]{64}/;

/** What only looks like one: our own packages and images that nobody publishes, and a tag before the first one. */
const ours = [
  /^ {2}"version": "1\.0\.0",$/,
  /localhost:5000\/[\w-]+\/|multitool:|newTag: 0\.0\.0$|"0\.0\.0"/,
];

/** @returns every line that pins something */
function pins(files: File[]): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
      .filter(({ line }) => pin.test(line) && !ours.some((form) => form.test(line)))
      .map(({ place }) => place),
  );
}

/**
 * What Renovate's own managers take from the files that they are for, as far as there is such a thing here.
 * Compared with renovate --platform=local --dry-run=extract.
 */
const managers: Record<string, { files: RegExp; dependency: RegExp }> = {
  npm: {
    files: /(^|\/)package\.json$/,
    dependency: /^ {4}"(?<depName>[^"]+)": "\d+\.\d+\.\d+"/gm,
  },
  "github-actions": {
    files: /^\.github\/workflows\/[^/]+\.ya?ml$/,
    // The last is mise, which it knows by the action before it.
    dependency: /uses: (?<depName>[\w./-]+)@|runs-on: (?<runner>ubuntu)-|with:\n +version: [\d.]+/g,
  },
  dockerfile: {
    files: /(^|\/|\.)[Dd]ockerfile$/,
    dependency: /^FROM (?!scratch)(?<depName>[^:@\s]+)/gm,
  },
  kustomize: {
    files: /(^|\/)kustomization\.ya?ml$/,
    dependency:
      /https:\/\/github\.com\/(?<depName>[\w-]+\/[\w-]+)\/\/\S*\?ref=|- name: (?<image>\S+)\n +newTag:/g,
  },
  pip_requirements: {
    files: /(^|\/)[\w-]*requirements([-._]\w+)?\.(txt|pip)$/,
    dependency: /^(?<depName>[\w.-]+)==/gm,
  },
  asdf: {
    files: /^\.tool-versions$/,
    dependency: /^(?<depName>nodejs|kind|kubectl|kustomize|actionlint|cosign|act) /gm,
  },
};

/** What Renovate finds with a configuration. */
function dependencies({ enabledManagers, customManagers }: Config, files: File[]): Dependency[] {
  const own = enabledManagers
    .filter((manager) => manager !== "custom.regex")
    .map((manager) => ({ manager, ...managers[manager], template: undefined }));
  const custom = customManagers.map((manager) => ({
    manager: "custom.regex",
    files: new RegExp(manager.managerFilePatterns.map((form) => form.slice(1, -1)).join("|")),
    dependency: new RegExp(manager.matchStrings.join("|"), "g"),
    template: manager.depNameTemplate,
  }));
  return [...own, ...custom].flatMap(({ manager, files: form, dependency, template }) =>
    files
      .filter(({ path }) => form?.test(path))
      .flatMap((file) =>
        [...file.text.matchAll(dependency as RegExp)].map(({ index, groups = {}, 0: text }) => ({
          // The end, for what is of two lines.
          place: at(file, index + text.length),
          manager,
          name: template ?? groups.depName ?? groups.runner ?? groups.image ?? "",
        })),
      ),
  );
}

/** @returns what is wrong, in sentences: a pin that nobody updates, or that two managers do */
function gaps(config: Config, files: File[]): string[] {
  const found = Map.groupBy(dependencies(config, files), ({ place }) => place);
  return pins(files).flatMap((place) => {
    const by = found.get(place) ?? [];
    if (by.length === 1) return [];
    return [`${place}: ${by.map(({ manager }) => manager).join(" and ") || "nobody"}`];
  });
}

test("every pin in the repository is updated, by one manager", (t) => {
  t.deepEqual(gaps(config, files), []);
  const places = pins(files).map((place) => place.split(":")[0]);
  for (const file of [
    ".github/workflows/test.yaml",
    ".tool-versions",
    "argocd/install/kustomization.yaml",
    "clusters/local/kind.yaml",
    "package.json",
    "payment-service/Dockerfile",
    "payment-service/package.json",
    "tools/local/registry.ts",
  ]) {
    t.true(places.includes(file), file);
  }
});

test("the check itself: a manager less leaves a gap, one more is said too", (t) => {
  for (const manager of config.enabledManagers.filter((name) => name !== "custom.regex")) {
    const without = config.enabledManagers.filter((other) => other !== manager);
    t.true(gaps({ ...config, enabledManagers: without }, files).length > 0, manager);
  }
  for (const manager of config.customManagers) {
    const without = config.customManagers.filter((other) => other !== manager);
    t.true(gaps({ ...config, customManagers: without }, files).length > 0);
    const twice = [...config.customManagers, manager];
    t.regex(
      gaps({ ...config, customManagers: twice }, files).join("\n"),
      /regex and custom\.regex/,
    );
  }
  for (const text of [
    'const image = "busybox:1.36.1";',
    `image: x@sha256:${"0".repeat(64)}`,
    "zizmor==1.32.0",
    "  runs-on: ubuntu-24.04",
  ]) {
    t.deepEqual(gaps(config, [{ path: "new/place.txt", text }]), ["new/place.txt:1: nobody"]);
  }
  for (const text of ["10.0.0.0/8", "127.0.0.1:8000", "a 1.5 b"])
    t.deepEqual(pins([{ path: "no/pin", text }]), []);
});

test("what has no date is not waited for, and base images get their digests", (t) => {
  const runners = config.customManagers.filter(
    ({ datasourceTemplate }) => datasourceTemplate === "github-runners",
  );
  t.is(runners.length, 1);
  const rule = (field: string, value: string) =>
    config.packageRules.find((one) => JSON.stringify(one[field]) === JSON.stringify([value]));
  t.is(rule("matchDatasources", "github-runners")?.minimumReleaseAge, null);
  t.is(rule("matchManagers", "dockerfile")?.pinDigests, true);
});

test("every rule is about something that is there", (t) => {
  const found = dependencies(config, files);
  // The manager of .tool-versions calls Node by its own name.
  const names = new Set(found.map(({ name }) => (name === "nodejs" ? "node" : name)));
  for (const { matchDepNames = [], matchManagers = [] } of config.packageRules) {
    for (const name of matchDepNames) t.true(names.has(name), name);
    for (const manager of matchManagers)
      t.true(
        found.some((dependency) => dependency.manager === manager),
        manager,
      );
  }
});

test("every dependency of a service and of the repository is an exact version", (t) => {
  const packages = files.filter(({ path }) => path.endsWith("package.json"));
  t.true(packages.length >= 3);
  for (const { path, text } of packages) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(text);
    for (const [name, version] of Object.entries<string>({ ...dependencies, ...devDependencies }))
      t.regex(version, /^(\d+\.\d+\.\d+|file:\.\.\/packages\/[\w-]+)$/, `${path}: ${name}`);
  }
});
