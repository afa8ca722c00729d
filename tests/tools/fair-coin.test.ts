import test from "ava";
import { fairCoin, odds } from "../../tools/pay-run/binomial.ts";

/** The probability of at most k heads in n throws, summed from Pascal's triangle. */
function atMost(k: number, n: number): number {
  let row = [1n];
  for (let i = 0; i < n; i++) row = [1n, ...row.slice(1).map((c, j) => c + (row[j] ?? 0n)), 1n];
  const heads = row.slice(0, k + 1).reduce((sum, c) => sum + c, 0n);
  return Number((heads * 10n ** 18n) / 2n ** BigInt(n)) / 1e18;
}

for (const n of [20, 21, 100, 975, 1500]) {
  test(`the bounds for ${n} throws are the widest that the odds allow`, (t) => {
    const [least, most] = fairCoin(n);
    t.is(least + most, n);
    t.true(atMost(least - 1, n) <= odds / 2);
    t.true(atMost(least, n) > odds / 2);
  });
}

test("a few throws can fall any way", (t) => {
  for (const n of [0, 1, 10, 19]) t.deepEqual(fairCoin(n), [0, n]);
});
