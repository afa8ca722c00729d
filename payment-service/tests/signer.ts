import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** By what payment knows its caller, but for where the issuer publishes its keys. */
export const caller = {
  CALLER_ISSUER: "https://kubernetes.default.svc.cluster.local",
  CALLER_AUDIENCE: "payment",
  CALLER_SUBJECT: "system:serviceaccount:app-antaeus:antaeus",
};

/** A key pair: its public half as an issuer publishes it, and the header of what it signs. */
export interface Signer {
  jwk: JWK;
  header: { alg: string; kid?: string };
  key: CryptoKey;
  publicKey: CryptoKey;
}

export async function signer(alg: string, kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { jwk, header: { alg, kid }, key: privateKey, publicKey };
}

export const now = () => Math.floor(Date.now() / 1000);

/** The claims of a token that is right, as the kubelet gets it. */
export const claims = () => ({
  iss: caller.CALLER_ISSUER,
  aud: [caller.CALLER_AUDIENCE],
  sub: caller.CALLER_SUBJECT,
  iat: now(),
  nbf: now(),
  exp: now() + 600,
});

/** Signs such claims, some of them changed. */
export const sign = ({ header, key }: Pick<Signer, "header" | "key">, change: object = {}) =>
  new SignJWT({ ...claims(), ...change }).setProtectedHeader(header).sign(key);
