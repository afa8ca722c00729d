import test from "ava";
import { noSamples, rows, type Samples, targets } from "./result.ts";

const samples = (value: number, rate: number): Samples => ({
  ...noSamples(),
  coldStart: [value, 9 * value, value],
  startCpu: [value],
  idle: [value],
  loaded: [value],
  rate: [rate],
});

const names = ["bare", "payment", "Flask", "gunicorn"];
const result = (...measured: Samples[]) =>
  targets(rows(measured.map((each, index) => ({ name: names[index] ?? "", samples: each }))));

test("a ratio is that of the same round, and a target is reached or not", (t) => {
  const all = [samples(10, 100), samples(12, 80), samples(30, 10), samples(30, 40)];
  t.deepEqual(
    result(...all).map(({ is, verdict }) => [is, verdict]),
    [
      [1.2, "reached"],
      [1.2, "reached"],
      [1.2, "reached"],
      [1.2, "reached"],
      [8, "reached"],
      [2, "reached"],
    ],
  );
  const slow = [samples(10, 100), samples(20, 10), samples(30, 10), samples(30, 40)];
  t.false(result(...slow).some(({ verdict }) => verdict === "reached"));
});
