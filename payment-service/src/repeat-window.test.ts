import { mock } from "node:test";
import test from "ava";
import { service, valid } from "../tests/helpers.ts";

const window = { REPEAT_WINDOW_SECONDS: "10" };
const begin = Date.UTC(2026, 0, 1);
const at = (seconds: number) => mock.timers.setTime(begin + seconds * 1000);

test.before(() => mock.timers.enable({ apis: ["Date"], now: begin }));
test.after.always(() => mock.timers.reset());

test.serial(
  "a charge without a key has one answer in a window of time, on every replica",
  async (t) => {
    const replicas = [await service(window), await service(window)] as const;
    const answers = new Set<string>();
    for (let i = 0; i < 40; i++) {
      at(i * 10);
      const first = await replicas[0].charge(valid);
      at(i * 10 + 9.9);
      const repeat = await replicas[1].charge(valid);
      t.is(first.statusCode, 200);
      t.is(first.payload, repeat.payload);
      answers.add(first.payload);
    }
    t.is(answers.size, 2, "each window draws anew");
  },
);

test.serial("in a window another charge is another one, and none is a key's", async (t) => {
  at(0);
  const { charge } = await service(window);
  const answers = new Set<string>();
  for (let i = 1; i <= 40; i++) {
    const { statusCode, payload } = await charge({ ...valid, value: i });
    t.is(statusCode, 200, "two charges of one window are no conflict");
    answers.add(payload);
  }
  t.is(answers.size, 2);
});

test.serial("the control: without a window each charge is drawn anew", async (t) => {
  at(0);
  const { charge } = await service();
  const answers = new Set<string>();
  for (let i = 0; i < 40; i++) answers.add((await charge(valid)).payload);
  t.is(answers.size, 2);
});
