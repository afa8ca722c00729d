import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, succeeds, UserError } from "../cli/command.ts";
import { sourceFolder } from "./images.ts";
import { attachBill } from "./signature.ts";

/** An image for one architecture: this machine has it, or can pull it. */
interface Part {
  /** By its digest, such as `ghcr.io/x@sha256:...`. */
  image: string;
  /** As images call it: amd64, arm64. */
  architecture: string;
}

/**
 * Writes an image's bill of materials, and attaches it, signed.
 * @param to the image to attach it to, `name:tag@sha256:...`: the same, or the one that it is a part of
 */
export async function attachBillOf(part: Part, service: string, to: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-bill-"));
  try {
    const file = join(folder, "sbom.cdx.json");
    await writeBill(part, service, file);
    await attachBill(to, file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Writes what a service's image is made of, as CycloneDX: what the image itself says in /sbom.cdx.json, or else
 * the packages of its lockfile, which know nothing of Node and the libraries around them.
 */
async function writeBill(
  { image, architecture }: Part,
  service: string,
  file: string,
): Promise<void> {
  // An image without a command of its own wants one, though it is never run.
  const create = ["create", "--platform", `linux/${architecture}`, image, "never-run"];
  const container = await run("docker", create);
  const isWithin = await succeeds("docker", ["cp", `${container}:/sbom.cdx.json`, file]);
  await run("docker", ["rm", container]);
  if (!isWithin) {
    const workspace = ["--workspace", sourceFolder(service), "--package-lock-only"];
    const sbom = ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", ...workspace];
    writeFileSync(file, await run("npm", sbom));
  }
  const { bomFormat } = JSON.parse(readFileSync(file, "utf8"));
  if (bomFormat !== "CycloneDX")
    throw new UserError(`/sbom.cdx.json of ${image} is not CycloneDX.`);
}
