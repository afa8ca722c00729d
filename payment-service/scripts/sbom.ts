// npm run sbom -- FILE: what the image holds, as CycloneDX: Node, Debian's libraries, npm's packages.
import { readFileSync } from "node:fs";

/** What esbuild says of a bundle, as far as it is read here. */
export interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

interface Component {
  type: "platform" | "library";
  name: string;
  version: string;
  purl: string;
  /** The files of the image that are of it. */
  evidence?: { occurrences: { location: string }[] };
}

/** The folders of npm's packages of which at least a byte is in the bundle. */
export function bundled({ outputs }: Metafile): string[] {
  const folders = Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(
      ([input]) =>
        /^((?:\.\.\/)?node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(
          input,
        )?.[1] ?? [],
    );
  return [...new Set(folders)].sort();
}

function ofNpm(folder: string): Component {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  return {
    type: "library",
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    evidence: { occurrences: [{ location: "/main.cjs" }, { location: "/snapshot.blob" }] },
  };
}

/** @param lines each a library's path and its package's name, version and architecture */
export function ofDebian(lines: string): Component[] {
  const packages = new Map<string, Component>();
  for (const line of lines.trim().split("\n")) {
    const [location = "", name = "", version = "", arch = ""] = line.split(" ");
    if (!arch) throw new Error(`Not "path package version architecture": ${line}`);
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}`;
    const component = packages.get(purl) ?? {
      type: "library",
      name,
      version,
      purl,
      evidence: { occurrences: [] },
    };
    component.evidence?.occurrences.push({ location });
    packages.set(purl, component);
  }
  return [...packages.values()];
}

if (import.meta.main) {
  const [metafile = "", libraries = ""] = process.argv.slice(2);
  const node: Component = {
    type: "platform",
    name: "node",
    version: process.versions.node,
    purl: `pkg:generic/node@${process.versions.node}`,
    evidence: { occurrences: [{ location: "/node" }] },
  };
  // What is compiled into Node's binary: OpenSSL, V8 and others.
  const inside = Object.entries(process.versions)
    .filter(([name]) => !["node", "modules", "napi"].includes(name))
    .map(
      ([name, version = ""]): Component => ({
        type: "library",
        name,
        version,
        purl: `pkg:generic/${name}@${version}`,
        evidence: { occurrences: [{ location: "/node" }] },
      }),
    );
  const components = [
    node,
    ...inside,
    ...ofDebian(readFileSync(libraries, "utf8")),
    ...bundled(JSON.parse(readFileSync(metafile, "utf8"))).map(ofNpm),
  ];
  console.log(
    JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components }, null, 1),
  );
}
