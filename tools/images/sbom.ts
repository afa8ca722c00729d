import { readFileSync, writeFileSync } from "node:fs";
import { run, succeeds, UserError } from "../cli/command.ts";
import { sourceFolder } from "./images.ts";

/**
 * Writes what a service's image is made of, as CycloneDX: what the image itself says in /sbom.cdx.json, or else
 * the packages of its lockfile, which know nothing of Node and the libraries around them.
 * @param image one that this machine has
 */
export async function writeBill(image: string, service: string, file: string): Promise<void> {
  // An image without a command of its own wants one, though it is never run.
  const container = await run("docker", ["create", image, "never-run"]);
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
