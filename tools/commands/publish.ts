// make publish: one image of those that make image pushed on a machine of each architecture. make sign comes after it.
import { appendFileSync } from "node:fs";
import { main, UserError } from "../cli/command.ts";
import { combine, digestOf, published, type Source, wanted } from "../images/build.ts";
import { attachSbomOf } from "../images/sbom.ts";
import { verifySignature } from "../images/signature.ts";

main(async () => {
  const { source, architectures } = await wanted();
  const { name, tag } = source;
  const before = await published(source);
  const digest = before ?? (await publish(source, architectures));
  console.log(`▸ ${name}:${tag}@${digest}${before ? " is there already." : ""}`);
  const { GITHUB_OUTPUT } = process.env;
  // Of what was there before, this run can say nothing.
  const outputs = `name=${name}\ndigest=${digest}\nnew=${!before}\n`;
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, outputs);
});

/** @returns the digest of the image that is there now, with the SBOMs of its parts, and not signed yet */
async function publish(source: Source, architectures: string[]): Promise<string> {
  const tag = `${source.name}:${source.tag}`;
  const parts = await Promise.all(
    architectures.map(async (architecture) => {
      const digest = await digestOf(`${tag}-${architecture}`);
      if (!digest) {
        throw new UserError(
          `There is no ${tag}-${architecture}: make image SERVICE=${source.service} on such a machine.`,
        );
      }
      // What another workflow pushed under that tag is not of main.
      await verifySignature(`${tag}-${architecture}@${digest}`);
      return { image: `${source.name}@${digest}`, architecture };
    }),
  );
  const images = parts.map(({ image }) => image);
  const digest = await combine(source, images);
  // Of the digest that overlays name, too: nobody starts from the one of an architecture.
  for (const part of parts) await attachSbomOf(part, `${tag}@${digest}`);
  return digest;
}
