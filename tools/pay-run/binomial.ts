/** How often a fair coin may fall outside its bounds: once in a million runs. */
export const odds = 1e-6;

/**
 * The heads that a fair coin gives in n throws, all but once in a million runs: exact tails of the
 * binomial distribution with p = 1/2, half of the odds on each side.
 * @returns the least and the most number of heads, both included
 */
export function fairCoin(n: number): [least: number, most: number] {
  // Logarithms, because 2^-n alone is too small for a double beyond n = 1074.
  let logProbability = -n * Math.LN2;
  let tail = 0;
  for (let heads = 0; ; heads++) {
    tail += Math.exp(logProbability);
    if (tail > odds / 2) return [heads, n - heads];
    logProbability += Math.log(n - heads) - Math.log(heads + 1);
  }
}
