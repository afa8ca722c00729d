import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  halfJitterGenerator,
  handleType,
  retry,
  wrap,
} from "cockatiel";
import type { Config } from "./config.ts";
import { type ChargeClient, PaymentUnavailable, TokenMissing } from "./payment.ts";

/**
 * A circuit breaker: it opens after so many charges in a row without an answer, and closes with the
 * next answer, whatever that is. No time has to pass before a probe: pay runs make one when they begin.
 */
export const createBreaker = (threshold: number): CircuitBreakerPolicy =>
  circuitBreaker(handleType(PaymentUnavailable).orType(TokenMissing), {
    // cockatiel looks at the clock, which may be set back meanwhile.
    halfOpenAfter: Number.NEGATIVE_INFINITY,
    breaker: new ConsecutiveBreaker(threshold),
  });

/**
 * Asks again when there is no answer: the same invoice, so the same key. The wait before doubles each
 * time, and half of it is random, so that charges that failed together do not come back together.
 * @param stopping aborted, it asks no further time; the reason is a PaymentUnavailable
 * @returns a function that rejects as the last attempt did
 */
export function withRetries(
  charge: ChargeClient,
  breaker: CircuitBreakerPolicy,
  config: Pick<Config, "CHARGE_ATTEMPTS" | "RETRY_DELAY_MS">,
  stopping: AbortSignal,
): ChargeClient {
  const retries = retry(handleType(PaymentUnavailable), {
    maxAttempts: config.CHARGE_ATTEMPTS - 1,
    backoff: new ExponentialBackoff({
      initialDelay: config.RETRY_DELAY_MS,
      // Stopping does not end a wait, so none is long.
      maxDelay: 2000,
      generator: halfJitterGenerator,
    }),
  });
  const policy = wrap(breaker, retries);
  return (invoice, trace) =>
    policy.execute(({ signal }) => {
      signal.throwIfAborted();
      return charge(invoice, trace);
    }, stopping);
}
