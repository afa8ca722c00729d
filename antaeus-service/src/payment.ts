import { chargeOf } from "./charge-key.ts";
import type { Due } from "./database.ts";
import { tokenIn } from "./token.ts";

/** Asks payment to charge an invoice: whether it was accepted. */
export type Charge = (invoice: Due) => Promise<boolean>;

/**
 * Charges over HTTP.
 *
 * The key makes a repeat safe: a charge whose answer got lost is asked for again under the same key
 * and gets the same answer, so nobody pays twice.
 *
 * @param endpoint full URL of the charge call
 * @param timeout in milliseconds, for the whole exchange
 * @param tokenFile holds the token that tells payment who asks; without it none is sent
 * @returns a function that rejects when there is no answer, or one that is neither yes nor no, and
 * before it asks when there should be a token and is none
 */
export function paymentAt(endpoint: string, timeout: number, tokenFile?: string): Charge {
  return async (invoice) => {
    const headers = new Headers({
      "content-type": "application/json",
      "idempotency-key": `"${invoice.chargeKey}"`,
    });
    if (tokenFile !== undefined) headers.set("authorization", `Bearer ${await tokenIn(tokenFile)}`);
    const response = await fetch(endpoint, {
      method: "POST",
      headers,
      body: JSON.stringify(chargeOf(invoice)),
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    const body = await response.text();
    const result = response.ok ? parse(body) : undefined;
    if (typeof result === "boolean") return result;
    throw new Error(`payment answered ${response.status} ${JSON.stringify(body.slice(0, 200))}`);
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)?.result;
  } catch {
    return undefined;
  }
}
