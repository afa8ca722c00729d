// make sign: the image that make publish made is signed. Last, so that what is signed is whole.
import { main, UserError } from "../cli/command.ts";
import { wanted } from "../images/build.ts";
import { sign, verifySignature } from "../images/signature.ts";

main(async () => {
  const { source, digest } = await wanted();
  if (!digest) throw new UserError("Say which image, by the DIGEST that make publish printed.");
  const image = `${source.name}:${source.tag}@${digest}`;
  await sign(image);
  await verifySignature(image);
  console.log(`▸ ${image} is signed.`);
});
