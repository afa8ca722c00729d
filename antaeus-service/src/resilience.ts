import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  halfJitterGenerator,
  handleType,
  type RetryPolicy,
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

/** Opens it, as so many charges without an answer would. */
export async function openCircuit(breaker: CircuitBreakerPolicy): Promise<void> {
  const fail = () => Promise.reject(new PaymentUnavailable("payment is away"));
  while (breaker.state === CircuitState.Closed) await breaker.execute(fail).catch(() => {});
}

type Attempts = Pick<Config, "CHARGE_ATTEMPTS" | "RETRY_DELAY_MS">;

/**
 * Asks again when there is no answer. The wait before doubles each time, and half of it is random, so that
 * charges that failed together do not come back together.
 */
export const createRetries = (config: Attempts): RetryPolicy =>
  retry(handleType(PaymentUnavailable), {
    maxAttempts: config.CHARGE_ATTEMPTS - 1,
    backoff: new ExponentialBackoff({
      initialDelay: config.RETRY_DELAY_MS,
      // Stopping does not end a wait, so none is long.
      maxDelay: 2000,
      generator: halfJitterGenerator,
    }),
  });

/**
 * Charges with retries: the same invoice, so the same key.
 * @param stopping aborted, it asks no further time; the reason is a PaymentUnavailable
 * @returns a function that rejects as the last attempt did
 */
export function withRetries(
  charge: ChargeClient,
  breaker: CircuitBreakerPolicy,
  retries: RetryPolicy,
  stopping: AbortSignal,
): ChargeClient {
  const policy = wrap(breaker, retries);
  return (invoice, trace) =>
    policy.execute(({ signal }) => {
      signal.throwIfAborted();
      return charge(invoice, trace);
    }, stopping);
}
