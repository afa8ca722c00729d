import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { toolVersions } from "../../tools/cli/pinned-tools.ts";
import { nameOnGitHub } from "../../tools/github/name.ts";
import { findKustomize } from "../../tools/render/kustomize.ts";
import { documents, type Manifest } from "../../tools/render/manifests.ts";
import { environmentsIn } from "../../tools/repository/environments.ts";

export const kustomize = await findKustomize();

interface Kustomization {
  folder: string;
  kind: "Kustomization" | "Component";
  // biome-ignore lint/suspicious/noExplicitAny: many forms, and only paths matter here
  [field: string]: any;
}

/** What was rendered, by the content of all files that it was rendered from. */
const rendered = new Map<string, Promise<Manifest[]>>();

/** The manifests of each document that was parsed, by its text: Argo CD's own are long. */
const parsed = new Map<string, Manifest[]>();

function parseOnce(document: string): Manifest[] {
  const manifests = parsed.get(document) ?? documents(document);
  parsed.set(document, manifests);
  return manifests;
}

/** What Git ignores, by name. */
const ignored = readFileSync(".gitignore", "utf8")
  .trim()
  .split("\n")
  .map((line) => basename(line));

const isRoot = ({ metadata }: Manifest) => metadata.name === "root";

/** Every file below a folder, from the root, but for what Git ignores. */
function walk(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name === ".git" || ignored.includes(entry.name)) return [];
    return entry.isDirectory() ? walk(root, path) : [path];
  });
}

/** This repository, or a copy of it in which something was changed. */
export class Repository {
  readonly root: string;
  /** Every file, from the root. */
  readonly allFiles: string[];
  /** The files that hold manifests, and what goes with them. */
  readonly files: string[];
  readonly kustomizations: Kustomization[];
  /** The folders that Kustomize can build by themselves. */
  readonly entryPoints: string[];
  /** Each folder of clusters/ with a root Application. */
  readonly environments: string[];
  /** The services, by the folder that deploys each. */
  readonly services: string[];
  /** What each service is in each environment. */
  readonly overlays: string[];

  constructor(root = ".") {
    this.root = root;
    this.allFiles = walk(root);
    this.files = this.allFiles.filter((file) => /^(apps|argocd|clusters)\//.test(file));
    this.kustomizations = this.files
      .filter((file) => basename(file) === "kustomization.yaml")
      // What is wrong with its YAML, a rule says.
      .map((file) => {
        const [first] = documents(this.read(file));
        return { ...(first as unknown as Kustomization), folder: dirname(file) };
      });
    this.entryPoints = this.kustomizations
      .filter(({ kind }) => kind !== "Component")
      .map(({ folder }) => folder);
    this.environments = environmentsIn(root);
    this.services = readdirSync(join(root, "apps")).sort();
    this.overlays = this.entryPoints.filter((folder) => /^apps\/.*\/overlays\//.test(folder));
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), "utf8");
  }

  /** The version of each tool that .tool-versions pins. */
  get tools(): Map<string, string> {
    return toolVersions(this.read(".tool-versions"));
  }

  /** Its owner and name on GitHub, by the one file that says them. */
  get nameOnGitHub(): string {
    return nameOnGitHub(this.read("clusters/repository/kustomization.yaml"));
  }

  get owner(): string {
    return dirname(this.nameOnGitHub);
  }

  /** Where its images are. Their names have no capitals. */
  get registry(): string {
    return `ghcr.io/${this.nameOnGitHub.toLowerCase()}`;
  }

  /** Every file or folder that a kustomization names. */
  named({ folder, ...kustomization }: Kustomization): string[] {
    const strings = (value: unknown): string[] => {
      if (typeof value === "string") return [value];
      return value && typeof value === "object" ? Object.values(value).flatMap(strings) : [];
    };
    return strings(kustomization)
      .filter((value) => !value.includes("\n"))
      .map((value) => join(folder, value))
      .filter((path) => existsSync(join(this.root, path)));
  }

  /** @returns what Kustomize makes of a folder; it is shared, so that nobody may change it */
  render(folder: string): Promise<Manifest[]> {
    const key = `${folder} ${this.#content(folder)}`;
    const manifests =
      rendered.get(key) ??
      kustomize
        .build(join(this.root, folder))
        // A line of three dashes is never a part of a document.
        .then((yaml) => yaml.split(/^---$/m).flatMap(parseOnce));
    rendered.set(key, manifests);
    return manifests;
  }

  /** A digest of all files that Kustomize reads for a folder. */
  #content(folder: string): string {
    const hash = createHash("sha256");
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      if (!statSync(join(this.root, path)).isDirectory()) {
        hash.update(`${path}\n${this.read(path)}\n`);
        return;
      }
      const kustomization = this.kustomizations.find((other) => other.folder === path);
      if (!kustomization) return;
      visit(join(path, "kustomization.yaml"));
      for (const name of this.named(kustomization)) visit(name);
    };
    visit(folder);
    return hash.digest("hex");
  }

  /** @returns what a service is in an environment */
  workload(service: string, environment: string): Promise<Manifest[]> {
    return this.render(`apps/${service}/overlays/${environment}`);
  }

  /** @returns what the root Application of an environment syncs: all that is not a team's */
  platform(environment: string): Promise<Manifest[]> {
    return this.render(`clusters/${environment}/apps`);
  }

  /** @returns its Prometheus; nothing where a cluster has one of its own */
  async monitoring(environment: string): Promise<Manifest[]> {
    const folder = `clusters/${environment}/monitoring`;
    return this.entryPoints.includes(folder) ? this.render(folder) : [];
  }

  /** @returns its Argo Rollouts */
  rollouts(environment: string): Promise<Manifest[]> {
    return this.render(`clusters/${environment}/rollouts`);
  }

  /** @returns the Applications of an environment, the root's first */
  async applications(environment: string): Promise<Manifest[]> {
    const manifests = await this.platform(environment);
    return manifests
      .filter(({ kind }) => kind === "Application")
      .sort((one, other) => Number(isRoot(other)) - Number(isRoot(one)));
  }

  /** @returns the root of a copy of all files, for the caller to change and to remove */
  copy(): string {
    const root = mkdtempSync(join(tmpdir(), "pe-gitops-test-"));
    for (const file of this.allFiles) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      cpSync(join(this.root, file), join(root, file));
    }
    return root;
  }

  /**
   * Has somebody look at a copy in which something was changed.
   * @param change is given the root of the copy
   */
  async changed<T>(
    change: (root: string) => void | Promise<void>,
    look: (copy: Repository) => Promise<T>,
  ): Promise<T> {
    const root = this.copy();
    try {
      await change(root);
      return await look(new Repository(root));
    } finally {
      rmSync(root, { recursive: true });
    }
  }

  /**
   * @param component a folder, to be listed in the folder's kustomization as the README says
   * @returns what Kustomize then makes of the folder
   */
  renderWith(component: string, folder: string): Promise<Manifest[]> {
    const list = (root: string) => {
      const file = join(root, folder, "kustomization.yaml");
      const kustomization = parse(readFileSync(file, "utf8"));
      const components = [...(kustomization.components ?? []), relative(folder, component)];
      writeFileSync(file, stringify({ ...kustomization, components }));
    };
    return this.changed(list, (copy) => copy.render(folder));
  }
}

/** This repository as it is. */
export const here = new Repository();

/** Every pod that a manifest makes. */
export function podSpecs(manifests: Manifest[]) {
  return manifests.flatMap(({ kind, metadata, spec }) => {
    const jobs = (spec?.metrics ?? []).map(({ provider }: Fields) => provider?.job?.spec);
    const makers = [spec?.jobTemplate?.spec ?? spec, ...jobs];
    return makers.flatMap((maker) =>
      maker?.template?.spec?.containers
        ? [{ kind, name: metadata.name as string, spec: maker.template.spec as Fields }]
        : [],
    );
  });
}

/** A part of a manifest. */
export interface Fields {
  // biome-ignore lint/suspicious/noExplicitAny: manifests are of many kinds
  [field: string]: any;
}

/** Every container of a pod, those that prepare it included. */
export const containers = (spec: Fields): Fields[] => [
  ...spec.containers,
  ...(spec.initContainers ?? []),
];

export const images = (manifests: Manifest[]): string[] =>
  podSpecs(manifests).flatMap(({ spec }) => containers(spec).map(({ image }) => image));
