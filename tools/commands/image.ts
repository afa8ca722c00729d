// make image: a service's image for this machine's architecture, as Git has its source: built, pushed, signed.
import { main } from "../cli/command.ts";
import { architecture, build, published, wanted } from "../images/build.ts";
import { attachSbomOf } from "../images/sbom.ts";
import { sign } from "../images/signature.ts";

main(async () => {
  const { source } = await wanted();
  if (await published(source)) {
    return console.log(`▸ ${source.name}:${source.tag} is there already.`);
  }
  const image = await build(source, ".", true);
  await attachSbomOf({ image, architecture: await architecture() }, image);
  // Last: what is signed is whole.
  await sign(image);
  console.log(`▸ ${image}`);
});
