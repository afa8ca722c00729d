// node sbom.ts NPM LIBRARIES FILE... [FILE,...=PURL]: what an image holds, as CycloneDX. NPM is what cyclonedx-esbuild
// says of the bundle, LIBRARIES has a line for each library from Debian, and FILEs of the image are what the bundle is in;
// those with a package's URL are of that package.
import { readFileSync } from "node:fs";

interface Component {
  type: "platform" | "library";
  name: string;
  version?: string;
  purl?: string;
  "bom-ref"?: string;
  properties?: { name: string; value: string }[];
  /** The files of the image that are of it. */
  evidence: { occurrences: { location: string }[] };
}

/** As far as it is read here. */
export interface Bom {
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

const inFiles = (...files: string[]) => ({
  evidence: { occurrences: files.map((location) => ({ location })) },
});

/** npm's packages in these files, without what plugins of esbuild's put in place of a file. */
export function ofNpm(bom: Bom, files: string[]): Bom {
  const isVirtual = ({ properties = [] }: Component) =>
    properties.some(({ name }) => name === "cdx:esbuild:input:isVirtual");
  const virtual = new Set(bom.components.filter(isVirtual).map((one) => one["bom-ref"]));
  const isReal = (ref: string) => !virtual.has(ref);
  return {
    ...bom,
    components: bom.components
      .filter((one) => !isVirtual(one))
      .map((one) => ({ ...one, ...inFiles(...files) })),
    dependencies: bom.dependencies
      .filter(({ ref }) => isReal(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isReal) })),
  };
}

/** @param lines each a library's path and its package's name, version and architecture */
export function ofDebian(lines: string): Component[] {
  const packages = new Map<string, Component>();
  for (const line of lines.trim().split("\n")) {
    const [location = "", name = "", version = "", arch = ""] = line.split(" ");
    if (!arch) throw new Error(`Not "path package version architecture": ${line}`);
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${arch}`;
    const component = packages.get(purl) ?? { type: "library", name, version, purl, ...inFiles() };
    component.evidence.occurrences.push({ location });
    packages.set(purl, component);
  }
  return [...packages.values()];
}

/** @param program its files in the image, and its URL, such as /a,/b=pkg:golang/host/owner/name@VERSION */
export function ofProgram(program: string): Component {
  const [, files = "", purl = "", name = "", version = ""] =
    /^(.*?)=(pkg:.*\/(.+)@(.+))$/.exec(program) ?? [];
  if (!version) throw new Error(`Not "file=package URL": ${program}`);
  return { type: "library", name, version, purl, ...inFiles(...files.split(",")) };
}

/** Node, and what is compiled into its binary: OpenSSL, V8 and others. */
const ofNode = (): Component[] =>
  Object.entries(process.versions)
    // The first two are interfaces; what this Node was built without has no version.
    .filter(([name, version]) => !["modules", "napi"].includes(name) && version)
    .map(([name, version = ""]) => ({
      type: name === "node" ? "platform" : "library",
      name,
      version,
      purl: `pkg:generic/${name}@${version}`,
      ...inFiles("/node"),
    }));

if (import.meta.main) {
  const [npm = "", libraries = "", ...rest] = process.argv.slice(2);
  const [programs, files] = [true, false].map((is) =>
    rest.filter((one) => one.includes("=") === is),
  );
  const bom = ofNpm(JSON.parse(readFileSync(npm, "utf8")), files as string[]);
  bom.components.push(...ofNode(), ...ofDebian(readFileSync(libraries, "utf8")));
  bom.components.push(...(programs as string[]).map(ofProgram));
  console.log(JSON.stringify(bom, null, 1));
}
