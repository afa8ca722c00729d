import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "../../tools/cli/command.ts";

/** A file of an image. */
export interface File {
  path: string;
  /** In bytes: as it is, and as gzip leaves it, which is what a registry moves. */
  size: number;
  compressed: number;
}

export interface Sbom {
  components: {
    name: string;
    version: string;
    purl: string;
    evidence: { occurrences: { location: string }[] };
  }[];
}

/** What of an image is on disk: its files, and its list of what they are of. */
export async function contents(image: string): Promise<{ files: File[]; sbom: Sbom }> {
  const scratch = mkdtempSync(join(tmpdir(), "pe-gitops-image-"));
  try {
    await run("docker", ["save", "--output", join(scratch, "image.tar"), image]);
    await run("tar", ["-C", scratch, "-xf", join(scratch, "image.tar")]);
    const [{ Layers }] = JSON.parse(readFileSync(join(scratch, "manifest.json"), "utf8"));
    const root = join(scratch, "root");
    mkdirSync(root);
    for (const layer of Layers) await run("tar", ["-C", root, "-xf", join(scratch, layer)]);
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => {
        const content = readFileSync(join(parentPath, name));
        return {
          path: `/${relative(root, join(parentPath, name))}`,
          size: content.length,
          compressed: gzipSync(content).length,
        };
      })
      .sort((a, b) => b.compressed - a.compressed);
    return { files, sbom: JSON.parse(readFileSync(join(root, "sbom.cdx.json"), "utf8")) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Compressed sizes in MB of other ways to ship Node 24: figures from elsewhere, not measured here. */
export const quoted = {
  "node:24-alpine": 55.8,
  "a distroless copy": 62,
  "node:24-trixie-slim": 81,
};
