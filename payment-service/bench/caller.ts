import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { caller, now, sign, signer } from "../tests/signer.ts";

/** Makes a caller known as a cluster does: the environment of payment, a token, and an issuer as long as this runs. */
export async function makeCaller() {
  const { jwk, ...key } = await signer("RS256", "bench");
  const keys = JSON.stringify({ keys: [jwk] });
  const issuer = createServer((_request, response) => response.end(keys));
  await once(issuer.listen(0, "127.0.0.1").unref(), "listening");
  const { port } = issuer.address() as AddressInfo;
  return {
    env: { ...caller, CALLER_JWKS_URL: `http://127.0.0.1:${port}` },
    token: await sign(key, { exp: now() + 3600 }),
  };
}
