// make image: a service's image for this machine's architecture, as Git has its source: built, pushed, signed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../cli/command.ts";
import { build, published, wanted } from "../images/build.ts";
import { writeBill } from "../images/sbom.ts";
import { attachBill, sign } from "../images/signature.ts";

main(async () => {
  const { source } = await wanted();
  if (await published(source)) {
    return console.log(`▸ ${source.name}:${source.tag} is there already.`);
  }
  const image = await build(source, ".", true);
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-bill-"));
  try {
    const bill = join(folder, "sbom.cdx.json");
    await writeBill(image, source.service, bill);
    await attachBill(image, bill);
  } finally {
    rmSync(folder, { recursive: true });
  }
  // Last: what is signed is whole.
  await sign(image);
  console.log(`▸ ${image}`);
});
