import { setTimeout } from "node:timers/promises";
import { type Charge, NoAnswer } from "./payment.ts";

/**
 * How long to wait after an attempt that got no answer, in milliseconds. It doubles each time, and
 * half of it is random, so that charges that failed together do not come back together.
 * @param attempt from 1
 * @param delay the first wait at most, in milliseconds
 * @param random from 0 to 1
 */
export const wait = (attempt: number, delay: number, random = Math.random()): number =>
  delay * 2 ** (attempt - 1) * (0.5 + random / 2);

/**
 * Asks again when there is no answer: the same invoice, so the same key.
 * @param attempts how often to ask in all
 * @param delay the first wait at most, in milliseconds
 * @param stopping aborted, it asks no further time
 * @returns a function that rejects with the last NoAnswer, or with what is none when it comes first:
 * once an attempt got no answer payment may have charged, whatever it says to the next one
 */
export function retrying(
  charge: Charge,
  attempts: number,
  delay: number,
  stopping: AbortSignal,
): Charge {
  return async (invoice, trace) => {
    let lost: NoAnswer | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await charge(invoice, trace);
      } catch (error) {
        if (error instanceof NoAnswer) lost = error;
        if (lost !== error || attempt >= attempts) throw lost ?? error;
      }
      await setTimeout(wait(attempt, delay), undefined, { signal: stopping }).catch(() => {});
      if (stopping.aborted) throw lost;
    }
  };
}
