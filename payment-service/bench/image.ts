import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import type { Bom } from "../../packages/service-kit/scripts/sbom.ts";
import { run } from "../../tools/cli/command.ts";

/**
 * What of an image is on disk: its files, and its list of what they are of. Sizes are in bytes: as it
 * is, and as gzip leaves it, which is what a registry moves.
 */
export async function contents(image: string) {
  const scratch = mkdtempSync(join(tmpdir(), "pe-gitops-image-"));
  const [saved, root] = [mkdtempSync(join(scratch, "saved-")), mkdtempSync(join(scratch, "root-"))];
  try {
    await run("sh", ["-c", 'docker save "$0" | tar -C "$1" -xf -', image, saved]);
    const [{ Layers }] = JSON.parse(readFileSync(join(saved, "manifest.json"), "utf8"));
    for (const layer of Layers) await run("tar", ["-C", root, "-xf", join(saved, layer)]);
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => {
        const content = readFileSync(join(parentPath, name));
        const path = `/${relative(root, join(parentPath, name))}`;
        return { path, size: content.length, compressed: gzipSync(content).length };
      });
    const sbom: Bom = JSON.parse(readFileSync(join(root, "sbom.cdx.json"), "utf8"));
    return { files: files.sort((a, b) => b.compressed - a.compressed), sbom };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
