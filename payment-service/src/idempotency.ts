import { hash } from "node:crypto";
import Joi from "joi";
import { LRUCache } from "lru-cache";
import type { ChargeRequest } from "./charge-request.ts";

/**
 * The Idempotency-Key header, after the IETF draft draft-ietf-httpapi-idempotency-key-header: a
 * string of RFC 9651, without parameters. Replicas share no state, so what a key is worth depends
 * on its form.
 *
 * Any key: the same key with the same charge gets the same answer on every replica and after every
 * restart, for as long as ACCEPTANCE_SHARE stays the same. The draft's 409 is never needed, as the
 * answer needs no work that a repeat could meet half done.
 *
 * A key with terms, `"<id>.share-0.5.sha256-<fingerprint>"`: whatever ACCEPTANCE_SHARE is by then, so that
 * replicas of two versions agree too. GET /api/v1/terms says what new keys should name. A caller that may
 * charge is trusted with that: it chooses its keys, and could search for one that is accepted. So another share
 * holds for new keys; a caller that is not to charge any more loses its token.
 *
 * A bound key, `"<id>.sha256-<fingerprint>"`: another charge is 422, on every replica, always.
 * The fingerprint is that of the charge, see `fingerprint`. Who makes such a key must keep it: one
 * made anew from a changed charge is another key.
 *
 * An opaque key, any other string: another charge is 422 on a replica that has seen the key among
 * its latest, see `IdempotencyKeys`. Elsewhere it is a charge of its own.
 */
export const keyHeader = Joi.string()
  .pattern(/^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255}"$/, "quoted string")
  .messages({
    "string.pattern.name":
      '{#label} must be a quoted string of 1 to 255 characters, such as "8e03978e-40d5"',
  });

const withFingerprint = /\.sha256-([\w-]{43})"$/;

const withShare = /\.share-(\d(?:\.\d{1,23})?(?:e-\d{1,3})?)(?=\.sha256-[\w-]{43}"$)/;

/** The share of charges to accept that a key names, 0 to 1; undefined where it names none. */
export function shareOf(key = ""): number | undefined {
  const share = Number(withShare.exec(key)?.[1]);
  return share <= 1 ? share : undefined;
}

/** The key as it is before it names a share: what is drawn for it does not depend on that. */
export const withoutShare = (key: string): string => key.replace(withShare, "");

/** The SHA-256, in base64url, of a charge in canonical JSON (RFC 8785): fields in this order. */
export function fingerprint({ currency, customer_id, value }: ChargeRequest): string {
  return hash("sha256", JSON.stringify({ currency, customer_id, value }), "base64url");
}

/** Whether a key is bound to another charge than this. */
export function isBoundToOtherCharge(key: string, charge: ChargeRequest): boolean {
  const [, print] = withFingerprint.exec(key) ?? [];
  return print !== undefined && print !== fingerprint(charge);
}

/** The keys that one replica saw last, each with a digest of its charge. */
export class IdempotencyKeys extends LRUCache<string, string> {
  /** @param max how many keys: 10,000 of them, as long as they may be, take 5 MB */
  constructor(max = 10_000) {
    super({ max });
  }

  /** Remembers a key that is new. @returns whether this digest is the one that the key came with first */
  check(key: string, digest: string): boolean {
    const known = this.get(key);
    if (known === undefined) this.set(key, digest);
    return known === undefined || known === digest;
  }
}
