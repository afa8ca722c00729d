import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, succeeds, UserError } from "../cli/command.ts";
import { attachSbom } from "./signature.ts";

/** An image for one architecture: this machine has it, or can pull it. */
interface Part {
  /** By its digest, such as `ghcr.io/x@sha256:...`. */
  image: string;
  /** As images call it: amd64, arm64. */
  architecture: string;
}

/**
 * Attaches to an image, signed, what it says in /sbom.cdx.json that it is made of, as CycloneDX.
 * @param to the image to attach it to, `name:tag@sha256:...`: the same, or the one that it is a part of
 * @throws UserError when the image does not say it
 */
export async function attachSbomOf({ image, architecture }: Part, to: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-sbom-"));
  try {
    const file = join(folder, "sbom.cdx.json");
    // An image without a command of its own wants one, though it is never run.
    const create = ["create", "--platform", `linux/${architecture}`, image, "never-run"];
    const container = await run("docker", create);
    const isWithin = await succeeds("docker", ["cp", `${container}:/sbom.cdx.json`, file]);
    await run("docker", ["rm", container]);
    if (!isWithin || JSON.parse(readFileSync(file, "utf8")).bomFormat !== "CycloneDX") {
      throw new UserError(
        `${image} has no /sbom.cdx.json that is CycloneDX: its Dockerfile makes one, see payment-service/Dockerfile.`,
      );
    }
    await attachSbom(to, file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
