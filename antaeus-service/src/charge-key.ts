import { hash, randomUUID } from "node:crypto";

/** What of an invoice is charged. */
export interface Payable {
  customerId: number;
  amount: { value: number; currency: string };
}

/** What payment is asked to charge: the body of the call. */
export interface ChargeRequest {
  currency: string;
  customer_id: number;
  value: number;
}

/** The members are in the order of canonical JSON (RFC 8785), as the fingerprint needs them. */
export const chargeOf = ({ customerId, amount: { currency, value } }: Payable): ChargeRequest => ({
  currency,
  customer_id: customerId,
  value,
});

/** The key of the first attempt to charge an invoice. */
export const firstKey = (invoice: Payable): string => bound(randomUUID(), invoice);

/**
 * The key of the attempt that follows a refused one. It follows from the key before: a database that
 * fell back, to a backup or by a disk that lost its last writes, asks payment under the same keys
 * again and gets the same answers, instead of charging under keys that payment has never seen.
 */
export const nextKey = (key: string, invoice: Payable): string =>
  bound(hash("sha256", key, "base64url"), invoice);

/**
 * The same key, and the share of charges that payment accepted when it was first asked under it: a repeat gets
 * its answer by that, from whichever version of payment. A key that names a share keeps it.
 */
export const withShare = (key: string, share: number): string =>
  key.replace(/(?<!\.share-[\d.e-]+)(?=\.sha256-)/, `.share-${share}`);

/** Ends the key in the charge's fingerprint, so that payment refuses it for any other charge. */
const bound = (id: string, invoice: Payable): string =>
  `${id}.sha256-${hash("sha256", JSON.stringify(chargeOf(invoice)), "base64url")}`;
