// make bench: payment beside its peers, on one core each; a table, report/bench.json and a CPU profile.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { main, run, UserError } from "../../tools/cli/command.ts";
import { step, warn } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";
import { makeCaller } from "./caller.ts";
import type { Load } from "./load.ts";
import { type Contender, contenders, paymentCommand } from "./peers.ts";
import { median, noSamples, report, rows, type Samples, targets } from "./result.ts";
import { cores, cpuSeconds, memory, onCore, start } from "./server.ts";

const quick = process.env.BENCH_QUICK !== undefined;
const rounds = quick ? { start: 3, load: 1 } : { start: 15, load: 3 };
const seconds = quick ? 1 : 3;
const caller = await makeCaller();
const nobody = { env: { CALLER: "anybody" }, token: "" };

/** Makes load from the other core, in a process of its own. */
const load = async (url: string, token = ""): Promise<Load> => {
  const args = [process.execPath, "payment-service/bench/load.ts", url, "32", String(seconds)];
  const env = { ...process.env, TOKEN: token };
  return JSON.parse(await run("taskset", ["--cpu-list", cores.load, ...args], { env }));
};

async function measureStart({ command, knowsCaller }: Contender, samples: Samples): Promise<void> {
  const { env, token } = knowsCaller ? caller : nobody;
  const begun = performance.now();
  const server = await start(command, env);
  samples.coldStart.push(server.coldStart);
  samples.startCpu.push(server.startCpu);
  const response = await fetch(`${server.url}/api/v1/charge`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: '{"currency":"EUR","value":1.5,"customer_id":1}',
  });
  if (!response.ok) throw new Error(`a charge was answered ${response.status}`);
  await response.text();
  samples.firstCharge.push(performance.now() - begun);
  await server.stop();
}

async function measureLoad(contender: Contender, samples: Samples): Promise<void> {
  const { name, command, knowsCaller } = contender;
  const { env, token } = knowsCaller ? caller : nobody;
  const server = await start(command, env);
  await new Promise((resolve) => setTimeout(resolve, 300));
  samples.idle.push(memory(server.pid));
  await load(server.url, token);
  const before = cpuSeconds(server.pid);
  const { ok, other, failed, seconds: took, p99 } = await load(server.url, token);
  const cpu = cpuSeconds(server.pid) - before;
  if (other + failed > ok / 1000) warn(`${name}: ${other} other answers, ${failed} failed`);
  samples.loaded.push(memory(server.pid));
  samples.rate.push(ok / cpu);
  samples.cpuPerMillion.push((1e6 * cpu) / ok);
  samples.clockRate.push(ok / took);
  samples.busy.push(cpu / took);
  samples.p99.push(p99);
  await server.stop();
}

/** Milliseconds from the start of Node to a function's first answer, as on AWS Lambda. */
async function functionStart(): Promise<number> {
  const begun = performance.now();
  const code = `
    const event = require("./payment-service/tests/lambda-events/charge.json");
    const { handler } = require("./payment-service/dist/main.cjs");
    handler(event).then(({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1));`;
  const env = { ...process.env, ...nobody.env };
  await run("taskset", onCore(cores.server, process.execPath, "--no-deprecation", "-e", code), {
    env,
  });
  return performance.now() - begun;
}

/** Where the time goes under load: a profile that DevTools opens. */
async function profile(): Promise<void> {
  const name = ["--cpu-prof-dir=report", "--cpu-prof-name=bench.cpuprofile"];
  const server = await start(() => paymentCommand("--cpu-prof", ...name), nobody.env);
  await load(server.url);
  await server.stop();
}

main(async () => {
  if (availableParallelism() < 2) throw new UserError("make bench needs two cores, one for load");
  mkdirSync("report", { recursive: true });
  const measured = contenders.map((contender) => ({ ...contender, samples: noSamples() }));
  // In turns, so that what else this machine does meets all of them.
  const inTurns = (title: string, count: number, body: typeof measureLoad) =>
    step(title, async (say) => {
      for (let round = 1; round <= count; round++) {
        for (const contender of measured) await body(contender, contender.samples);
        say(`${round} of ${count}`);
      }
    });
  await inTurns(`Starting each ${rounds.start} times`, rounds.start, measureStart);
  const functions: number[] = [];
  await step(`Starting the function ${rounds.start} times`, async () => {
    while (functions.length < rounds.start) functions.push(await functionStart());
  });
  await inTurns(`Charging for ${2 * seconds} seconds each`, rounds.load, measureLoad);
  await step("Profiling payment", profile);

  const result = rows(measured);
  const reached = targets(result);
  const functionFirstCharge = median(functions);
  const container = result.find(({ name }) => name === "payment")?.medians.firstCharge;
  const verdicts = reached.map(({ target, is, verdict }) => [target, is, verdict]);
  console.log(`\n${report(result)}\n\n${table([["target", "is", ""], ...verdicts])}`);
  const firsts = `container ${container?.toFixed(0)}, function ${functionFirstCharge.toFixed(0)}`;
  console.log(`\n  first charge after zero, in ms: ${firsts}`);
  const facts = {
    time: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model,
    loadAverage: loadavg(),
    rows: result,
    targets: reached,
    functionFirstCharge,
  };
  writeFileSync("report/bench.json", `${JSON.stringify(facts, null, 2)}\n`);
  console.log("\n  report/bench.json, report/bench.cpuprofile");
});
