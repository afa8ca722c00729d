import test from "ava";
import { rows, type Samples, targets } from "./result.ts";

const samples = (value: number, rate: number): Samples => ({
  coldStart: [value, 9 * value, value],
  startCpu: [value],
  firstCharge: [value],
  idle: [value],
  loaded: [value],
  rate: [rate],
  clockRate: [rate],
  busy: [1],
  p99: [1],
});

const names = ["bare", "payment", "Flask", "gunicorn"];
const result = (...measured: Samples[]) =>
  targets(rows(measured.map((each, index) => ({ name: names[index] ?? "", samples: each }))));

test("a ratio is that of the same round, and a target is reached or not", (t) => {
  const all = [samples(10, 100), samples(12, 80), samples(30, 10), samples(30, 40)];
  t.deepEqual(
    result(...all).map(({ is, met }) => [is, met]),
    [
      [1.2, true],
      [1.2, true],
      [1.2, true],
      [1.2, true],
      [8, true],
      [2, true],
    ],
  );
  const slow = [samples(10, 100), samples(20, 10), samples(30, 10), samples(30, 40)];
  t.false(result(...slow).some(({ met }) => met));
});
