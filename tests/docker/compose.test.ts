import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { isFair, payRun, report } from "../../tools/pay-run/pay-run.ts";

const compose = (...args: string[]) =>
  run("docker", ["compose", "--project-name", "pe-gitops-e2e", ...args]);

const down = () => compose("down", "--volumes");
// An interrupted run leaves invoices that are paid.
test.before(down);
test.after.always(down);

test("docker compose runs both services, and a pay run pays half", async (t) => {
  await compose("up", "--detach", "--build", "--wait");
  const first = await payRun("http://localhost:8000");
  t.log(report(first));
  t.true(isFair(first));

  await compose("restart", "antaeus");
  await compose("up", "--detach", "--wait");
  const second = await payRun("http://localhost:8000");
  t.deepEqual(second.before, first.after, "data survives a restart");
  t.true(isFair(second));
});
