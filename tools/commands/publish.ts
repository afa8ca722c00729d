// make publish: one image of those that make image pushed on a machine of each architecture, signed.
import { appendFileSync } from "node:fs";
import { main, UserError } from "../cli/command.ts";
import { combine, digestOf, published, type Source, wanted } from "../images/build.ts";
import { sign, verifySignature } from "../images/signature.ts";

main(async () => {
  const { source, architectures } = await wanted();
  const { name, tag } = source;
  const digest = (await published(source)) ?? (await publish(source, architectures));
  console.log(`▸ ${name}:${tag}@${digest}`);
  const { GITHUB_OUTPUT } = process.env;
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, `name=${name}\ndigest=${digest}\n`);
});

/** @returns the digest of the image that is there now, signed */
async function publish(source: Source, architectures: string[]): Promise<string> {
  const tag = `${source.name}:${source.tag}`;
  const images = await Promise.all(
    architectures.map(async (architecture) => {
      const digest = await digestOf(`${tag}-${architecture}`);
      if (!digest) {
        throw new UserError(
          `There is no ${tag}-${architecture}: make image SERVICE=${source.service} on such a machine.`,
        );
      }
      // What another workflow pushed under that tag is not of main.
      await verifySignature(`${tag}-${architecture}@${digest}`);
      return `${source.name}@${digest}`;
    }),
  );
  const digest = await combine(source, images);
  await sign(`${tag}@${digest}`);
  await verifySignature(`${tag}@${digest}`);
  return digest;
}
