import { readFile } from "node:fs/promises";
import { child, type Trace, traceparent } from "service-kit/trace";
import { chargeOf } from "./charge-key.ts";
import type { PendingInvoice } from "./database.ts";

/** Asks payment to charge an invoice, as part of a trace: whether it was accepted. */
export type ChargeClient = (invoice: PendingInvoice, trace: Trace) => Promise<boolean>;

/** Payment may have charged or not: to ask again, under the same key, may tell. */
export class PaymentUnavailable extends Error {}

/** Payment was not asked: there is no token to ask with. To try again at once would not help. */
export class TokenMissing extends Error {}

/** More than any answer has, in UTF-16 code units; a longer one is none. */
const maxLength = 10_000;

/** Client errors that another time may be none. */
const transient = new Set([408, 409, 425, 429]);

/**
 * Asks payment for the share of charges that it accepts by now: undefined where it is a version that does not say.
 * Rejects with PaymentUnavailable where there is no such answer.
 */
export type TermsClient = () => Promise<number | undefined>;

/** @param endpoint full URL of the charge call, which the terms are beside; @param timeout in milliseconds */
export const createTermsClient =
  (endpoint: string, timeout: number): TermsClient =>
  async () => {
    const signal = AbortSignal.timeout(timeout);
    const { status, body } = await exchange(new URL("terms", endpoint).href, {
      redirect: "error",
      signal,
    });
    if (status === 404) return undefined;
    const share = parse(body)?.acceptance_share;
    if (typeof share === "number" && share >= 0 && share <= 1) return share;
    throw new PaymentUnavailable(`payment says no terms: ${status}`);
  };

/**
 * Charges over HTTP.
 *
 * The key makes a repeat safe: a charge whose answer got lost is asked for again under the same key
 * and gets the same answer, so nobody pays twice.
 *
 * @param endpoint full URL of the charge call
 * @param timeout in milliseconds, for the whole exchange
 * @param tokenFile holds the token that tells payment who asks; without it none is sent
 * @returns a function that rejects with PaymentUnavailable when there is no answer, or one that is
 * neither yes nor no; with TokenMissing; and with another Error when payment does not take the request:
 * then it has not charged this time, and to ask again at once would not help
 */
export function createPaymentClient(
  endpoint: string,
  timeout: number,
  tokenFile?: string,
): ChargeClient {
  return async (invoice, trace) => {
    const headers = new Headers({
      "content-type": "application/json",
      "idempotency-key": `"${invoice.chargeKey}"`,
      traceparent: traceparent(child(trace)),
    });
    if (tokenFile !== undefined)
      headers.set("authorization", `Bearer ${await readToken(tokenFile)}`);
    const { status, body } = await exchange(endpoint, {
      method: "POST",
      headers,
      body: JSON.stringify(chargeOf(invoice)),
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    const answer = parse(body);
    if (status >= 200 && status < 300 && typeof answer?.result === "boolean") return answer.result;
    const definite = status >= 400 && status < 500 && !transient.has(status);
    throw new (definite ? Error : PaymentUnavailable)(
      `payment answered ${status} ${JSON.stringify(body.slice(0, 200))}`,
    );
  };
}

/** @returns what the JSON says; undefined when it is none */
function parse(json: string): { result?: unknown; acceptance_share?: unknown } | null | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

async function exchange(endpoint: string, request: RequestInit) {
  try {
    const response = await fetch(endpoint, request);
    let body = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      body += text;
      // Leaving the loop ends the connection.
      if (body.length > maxLength) throw new Error("the answer is too long");
    }
    return { status: response.status, body };
  } catch (error) {
    throw new PaymentUnavailable((error as Error).message, { cause: (error as Error).cause });
  }
}

/**
 * Reads a bearer token from a file. The kubelet replaces the file well before the token in it
 * expires, so whoever needs the token reads it again each time.
 * @throws TokenMissing naming the file, when it cannot be read or holds no token
 */
async function readToken(file: string): Promise<string> {
  const content = await readFile(file, "utf8").catch((cause) => {
    throw new TokenMissing(`cannot read the token in ${file}`, { cause });
  });
  const token = content.trim();
  // fetch would refuse such a header too, but with the content in its message.
  if (!/^[\w.~+/-]+=*$/.test(token)) throw new TokenMissing(`${file} holds no token`);
  return token;
}
