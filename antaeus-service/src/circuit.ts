/**
 * A circuit breaker: it opens when one charge after the other gets no answer, and closes with the
 * next answer.
 */
export class Circuit {
  readonly #threshold: number;
  #failures = 0;

  /** @param threshold charges without an answer, one after the other, that open it */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /** Whether payment is to be left alone, but for a probe. */
  get open(): boolean {
    return this.#failures >= this.#threshold;
  }

  answered(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
  }
}
