import test from "ava";
import { duration, median } from "../../tools/pages/numbers.ts";

test("a median is the middle, or between the two in the middle", (t) => {
  t.is(median([]), undefined);
  t.is(median([3]), 3);
  t.is(median([3, 1, 2]), 2);
  t.is(median([5, 1, 3]), 3);
  t.is(median([4, 1, 2, 3]), 2.5);
  t.is(median([4, 1, 3, 2]), 2.5);
});

test("durations are for people", (t) => {
  for (const [seconds, text] of [
    [undefined, "–"],
    [0, "0 s"],
    [90, "90 s"],
    [150, "2.5 min"],
    [3000, "50 min"],
    [9000, "2.5 h"],
    [86_400 * 3, "3 days"],
  ] as const)
    t.is(duration(seconds), text);
});
