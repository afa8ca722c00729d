import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import Boom from "@hapi/boom";
import type { Lifecycle } from "@hapi/hapi";
import * as jose from "jose";
import { LRUCache } from "lru-cache";
import { messageWithCause } from "service-kit/errors";
import { Counter, type Registry } from "service-kit/metrics";
import { markSynthetic } from "./charge-request.ts";
import type { Caller } from "./config.ts";

/**
 * How the issuer's keys are fetched, in milliseconds. They are fetched anew after refreshAge, as the issuer may
 * have withdrawn one of them, and serve for as long as cacheMaxAge while it is away. A token with another key
 * causes a fetch too. But none is made within cooldownDuration of the last: neither made-up tokens nor charges
 * may busy an issuer that is in trouble. Without keys nobody is charged, so it is asked sooner.
 */
const fetching = { timeoutDuration: 2000, cacheMaxAge: 3_600_000, cooldownDuration: 30_000 };
const refreshAge = 600_000;
const cooldownWithoutKeys = 5000;

/** What clusters sign with. Not "none", and no shared secret: a public key could pose as one. */
const algorithms = ["RS256", "ES256"] as const;

/** How far the issuer's clock may be from this one, in seconds. */
const clockTolerance = 5;

/** RFC 6750: the scheme in any case, and one token. */
const bearer = /^Bearer +([\w.~+/-]+=*)$/i;
const invalidToken = 'Bearer error="invalid_token"';

/**
 * Resolves where the token is a caller's: to whether it is the one that may make synthetic charges. Rejects with one of
 * jose's errors otherwise.
 */
export type Verify = (token: string) => Promise<boolean>;

/**
 * Knows callers by the tokens of their Kubernetes service accounts.
 *
 * A signature takes longer to verify than a charge to make, and callers send a token many times: one that
 * was right stays right until it expires or the keys are fetched anew.
 */
export function tokenVerifier(caller: Caller): Verify {
  const file = caller.CALLER_CA_FILE;
  const jwks: jose.ExportedJWKSCache | Record<string, never> = {};
  let failure: { error: unknown; until: number } | undefined;
  const keys = jose.createRemoteJWKSet(new URL(caller.CALLER_JWKS_URL), {
    ...fetching,
    [jose.jwksCache]: jwks,
    async [jose.customFetch](...request) {
      if (failure && Date.now() < failure.until) throw failure.error;
      // Node itself reads such a file once, but a cluster's CA rotates. A startup snapshot cannot hold node:tls.
      if (file !== undefined) {
        const { rootCertificates, setDefaultCACertificates } = process.getBuiltinModule("node:tls");
        setDefaultCACertificates([...rootCertificates, await readFile(file, "utf8")]);
      }
      return fetch(...request);
    },
  });
  const failed = (error: unknown) => {
    // One that was thrown again is of no other fetch.
    if (error === failure?.error) return;
    const cooldown = keys.fresh ? fetching.cooldownDuration : cooldownWithoutKeys;
    failure = { error, until: Date.now() + cooldown };
  };
  const options = {
    issuer: caller.CALLER_ISSUER,
    audience: caller.CALLER_AUDIENCE,
    algorithms: [...algorithms],
    requiredClaims: ["exp", "sub"],
    clockTolerance,
  };
  const { CALLER_SUBJECT, SYNTHETIC_SUBJECT } = caller;
  /** By digest: by which keys a token is right. A caller has one at a time, and a new one every few minutes. */
  const verifiedTokens = new LRUCache<string, { by: object; synthetic: boolean }>({
    ...{ max: 100, perf: Date, ttlResolution: 0 },
  });
  return async (token) => {
    const digest = hash("sha256", token);
    if (Date.now() >= (jwks.uat ?? Infinity) + refreshAge) await keys.reload().catch(failed);
    const by = jwks.jwks;
    const known = verifiedTokens.get(digest);
    if (by && keys.fresh && known?.by === by) return known.synthetic;
    const { payload } = await jose.jwtVerify(token, keys, options).catch((error) => {
      if (!whatIsWrong(error)) failed(error);
      throw error;
    });
    const synthetic = payload.sub === SYNTHETIC_SUBJECT;
    if (!synthetic && payload.sub !== CALLER_SUBJECT)
      throw new jose.errors.JWTClaimValidationFailed("", payload, "sub", "check_failed");
    // Fetched meanwhile: whether these keys or those of before were used, nobody knows.
    if (!by || by !== jwks.jwks) return synthetic;
    const start = Date.now();
    const ttl = Math.ceil(((payload.exp as number) + clockTolerance) * 1000 - start);
    // The cache drops an entry when its age exceeds the ttl: begun a millisecond earlier, it does when the time is up.
    verifiedTokens.set(digest, { by, synthetic }, { ttl, start: start - 1 });
    return synthetic;
  };
}

export type RefusalCounter = Counter<"reason">;

/**
 * Counts callers that were not let in: their token is missing or wrong, or the issuer's keys are. Not those with
 * synthetic charges, of whom nobody is to be alerted.
 */
export function refusalCounter(registry: Registry): RefusalCounter {
  const counter: RefusalCounter = new Counter({
    name: "payment_callers_refused_total",
    help: "Callers that were not let in: by their token, or for want of the keys to verify it.",
    labelNames: ["reason"],
    registers: [registry],
  });
  for (const reason of ["token", "keys"]) counter.inc({ reason }, 0);
  return counter;
}

/**
 * Lets callers whom `server.app.verify` knows go on, or anybody where there is none; before the payload is read.
 *
 * It throws 401 where there is no token or a wrong one, 403 where the caller may not make charges of this kind, and 503
 * where the issuer's keys cannot be fetched: who cannot be verified is not let in. The reason of a 503 is logged.
 */
export const authenticate: Lifecycle.Method = async (request, h) => {
  const { server, headers, app } = request;
  const { verify, refusals } = server.app;
  const synthetic = markSynthetic(request);
  if (!verify) return h.continue;
  const refused = (reason: string, error: Boom.Boom) => {
    if (!synthetic) refusals.inc({ reason });
    return error;
  };
  const token = bearer.exec((headers.authorization as string | undefined) ?? "")?.[1];
  if (!token) {
    const message = '"authorization" must be "Bearer" and a token';
    throw refused("token", Boom.unauthorized(message, ["Bearer"]));
  }
  try {
    if ((await verify(token)) === synthetic) return h.continue;
  } catch (error) {
    const wrong = whatIsWrong(error);
    if (wrong) {
      const message = `The token is refused: ${wrong}`;
      throw refused("token", Boom.unauthorized(message, [invalidToken]));
    }
    app.fields.reason = messageWithCause(error as Error);
    const message = "Callers cannot be verified: the keys of their issuer cannot be fetched";
    throw refused("keys", Boom.serverUnavailable(message));
  }
  const may = synthetic ? "no synthetic charges" : "synthetic charges alone";
  throw refused("token", Boom.forbidden(`The token's owner may make ${may}`));
};

/** By jose's error codes. Its messages are not passed on: some of them quote the token. */
const reasons = new Map([
  ["ERR_JWS_INVALID", "it is malformed"],
  ["ERR_JWT_INVALID", "it is malformed"],
  ["ERR_JOSE_NOT_SUPPORTED", "it needs an extension that is not known"],
  ["ERR_JOSE_ALG_NOT_ALLOWED", `its algorithm must be one of ${algorithms.join(", ")}`],
  ["ERR_JWKS_NO_MATCHING_KEY", "its key is none of the issuer's"],
  ["ERR_JWKS_MULTIPLE_MATCHING_KEYS", "it does not say which of the issuer's keys is its own"],
  ["ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "its signature is wrong"],
  ["ERR_JWT_EXPIRED", "it has expired"],
]);

/** The check that a token failed; undefined where it is not the token that failed. */
function whatIsWrong(error: unknown): string | undefined {
  if (error instanceof jose.errors.JWTClaimValidationFailed) {
    const { claim, reason } = error;
    if (claim === "nbf" && reason === "check_failed") return "it is not valid yet";
    return `its "${claim}" is ${reason === "missing" ? "missing" : "wrong"}`;
  }
  return error instanceof jose.errors.JOSEError ? reasons.get(error.code) : undefined;
}
