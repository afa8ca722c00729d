// make verify-images: every image that an overlay names is one that the workflow on main published.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { main, UserError } from "../cli/command.ts";
import { revisionOption } from "../cli/options.ts";
import { mustResolve } from "../delivery/history.ts";
import { filesOf } from "../git/git.ts";
import { overlayFile } from "../images/images.ts";
import { verifySignature } from "../images/signature.ts";
import { findKustomize } from "../render/kustomize.ts";
import { environmentsIn } from "../repository/environments.ts";

main(async () => {
  const base = revisionOption("BASE");
  const commit = base && (await mustResolve(base, "name one as BASE, such as main."));
  const before = commit ? await imagesIn(await filesOf(commit)) : [];
  const images = (await imagesIn(".")).filter((image) => !before.includes(image));

  const failures: string[] = [];
  for (const image of images) {
    if (!image.includes("@")) {
      console.log(`▸ ${image} has no digest: no cluster takes it.`);
      continue;
    }
    await verifySignature(image).then(
      () => console.log(`▸ ${image} is signed.`),
      (error: Error) => failures.push(error.message),
    );
  }
  if (failures.length > 0) throw new UserError(failures.join("\n  "));
  if (images.length === 0) console.log("▸ No image that was not there before.");
});

/** Rendered, because a patch can name an image as well. @returns what a copy of the repository deploys, each once */
async function imagesIn(root: string): Promise<string[]> {
  const kustomize = await findKustomize(root);
  const overlays = readdirSync(join(root, "apps"))
    .flatMap((service) => environmentsIn(root).map((one) => overlayFile(service, one)))
    .filter((file) => existsSync(join(root, file)));
  const rendered = await Promise.all(
    overlays.map((file) => kustomize.build(join(root, file, ".."))),
  );
  const image = /^[\s-]*image: ["']?([^\s"']+)/gm;
  const all = rendered.flatMap((yaml) => [...yaml.matchAll(image)].map(([, name = ""]) => name));
  return [...new Set(all)].sort();
}
