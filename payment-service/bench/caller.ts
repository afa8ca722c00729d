import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A caller, as a cluster makes one known. */
export interface Caller {
  /** Environment variables by which payment knows it. */
  env: Record<string, string>;
  /** What it shows, good for an hour. */
  token: string;
  /** Ends the issuer of its token. */
  stop: () => void;
}

/** Signs a token as a cluster signs a service account's, and serves the keys to check it by. */
export async function makeCaller(): Promise<Caller> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "RS256", use: "sig" }];
  const issuer = createServer((_request, response) => response.end(JSON.stringify({ keys })));
  await once(issuer.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;

  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { iss: url, aud: ["payment"], sub: "bench", exp };
  const signed = `${encode({ alg: "RS256", kid: "bench" })}.${encode(claims)}`;
  return {
    env: {
      CALLER_ISSUER: url,
      CALLER_AUDIENCE: "payment",
      CALLER_SUBJECT: "bench",
      CALLER_JWKS_URL: url,
    },
    token: `${signed}.${sign("RSA-SHA256", Buffer.from(signed), privateKey).toString("base64url")}`,
    stop: () => issuer.close().closeAllConnections(),
  };
}
