// make bench: payment beside its peers, on one core each; a table, report/bench.json and a CPU profile.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { main, run, UserError } from "../../tools/cli/command.ts";
import { step, warn } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";
import { median } from "../../tools/pages/numbers.ts";
import { type Caller, makeCaller } from "./caller.ts";
import type { Load } from "./load.ts";
import { type Contender, contenders, paymentCommand } from "./peers.ts";
import { type Row, rows, type Samples, targets } from "./result.ts";
import { cores, cpuSeconds, memory, type Server, start } from "./server.ts";

const quick = process.env.BENCH_QUICK !== undefined;
const rounds = quick ? { start: 3, load: 1 } : { start: 15, load: 3 };
const seconds = quick ? 1 : 3;

/** Makes load from the other core, in a process of its own. */
const load = async (url: string, duration: number, token = ""): Promise<Load> =>
  JSON.parse(
    await run(
      "taskset",
      [
        ...["--cpu-list", cores.load, process.execPath, "payment-service/bench/load.ts"],
        ...[url, "32", String(duration)],
      ],
      { env: { ...process.env, TOKEN: token } },
    ),
  );

async function firstCharge(server: Server, begun: number, token = ""): Promise<number> {
  const response = await fetch(`${server.url}/api/v1/charge`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: '{"currency":"EUR","value":1.5,"customer_id":1}',
  });
  if (!response.ok) throw new Error(`a charge was answered ${response.status}`);
  await response.text();
  return performance.now() - begun;
}

/** The caller that contenders know who know one. */
const caller = await makeCaller();

async function measureStart({ command, knowsCaller }: Contender, samples: Samples): Promise<void> {
  const { env, token } = knowsCaller ? caller : ({} as Partial<Caller>);
  const begun = performance.now();
  const server = await start(command, env);
  samples.coldStart.push(server.coldStart);
  samples.startCpu.push(server.startCpu);
  samples.firstCharge.push(await firstCharge(server, begun, token));
  await server.stop();
}

async function measureLoad(
  { name, command, knowsCaller }: Contender,
  samples: Samples,
): Promise<void> {
  const { env, token } = knowsCaller ? caller : ({} as Partial<Caller>);
  const server = await start(command, env);
  await new Promise((resolve) => setTimeout(resolve, 300));
  samples.idle.push(memory(server.pid));
  await load(server.url, seconds, token);
  const before = cpuSeconds(server.pid);
  const { ok, other, failed, seconds: took, p99 } = await load(server.url, seconds, token);
  const cpu = cpuSeconds(server.pid) - before;
  if (other + failed > ok / 1000) warn(`${name}: ${other} other answers, ${failed} failed`);
  samples.loaded.push(memory(server.pid));
  samples.rate.push(ok / cpu);
  samples.clockRate.push(ok / took);
  samples.busy.push(cpu / took);
  samples.p99.push(p99);
  await server.stop();
}

/** Milliseconds from the start of Node to a function's first answer, as on AWS Lambda. */
async function functionStart(): Promise<number> {
  const begun = performance.now();
  const code = `require("./payment-service/dist/main.cjs").handler(require("./payment-service/tests/lambda-events/charge.json")).then(({ statusCode }) => { if (statusCode !== 200) process.exit(1); process.stdout.write("answered"); process.exit(0) })`;
  const child = spawn(
    "taskset",
    ["--cpu-list", cores.server, process.execPath, "--no-deprecation", "-e", code],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  const took = performance.now() - begun;
  if ((await once(child, "exit"))[0] !== 0) throw new Error("the function failed");
  return took;
}

/** Where the time goes under load: a profile that DevTools opens. */
async function profile(): Promise<void> {
  const name = ["--cpu-prof-dir=report", "--cpu-prof-name=bench.cpuprofile"];
  const server = await start(() => paymentCommand("--cpu-prof", ...name));
  await load(server.url, seconds);
  await server.stop();
}

main(async () => {
  if (availableParallelism() < 2)
    throw new UserError("make bench needs two cores: one for the load");
  mkdirSync("report", { recursive: true });
  const measured = contenders.map((contender) => ({
    contender,
    samples: {
      coldStart: [],
      startCpu: [],
      firstCharge: [],
      idle: [],
      loaded: [],
      rate: [],
      clockRate: [],
      busy: [],
      p99: [],
    } as Samples,
  }));
  const functions: number[] = [];
  // In turns, so that what else this machine does meets all of them.
  await step(`Starting each ${rounds.start} times`, async (say) => {
    for (let round = 1; round <= rounds.start; round++) {
      for (const { contender, samples } of measured) await measureStart(contender, samples);
      functions.push(await functionStart());
      if (round % 5 === 0) say(`${round} of ${rounds.start}`);
    }
  });
  await step(`Charging for ${2 * seconds} seconds each, ${rounds.load} times`, async (say) => {
    for (let round = 1; round <= rounds.load; round++) {
      for (const { contender, samples } of measured) await measureLoad(contender, samples);
      say(`${round} of ${rounds.load}`);
    }
  });
  await step("Profiling payment", profile);
  caller.stop();

  const result = rows(
    measured.map(({ contender, samples }) => ({ name: contender.name, samples })),
  );
  const reached = targets(result);
  const functionFirst = median(functions) ?? Number.NaN;
  console.log(
    `\n${report(result)}\n\n${table([["target", "is", ""], ...reached.map(({ target, is, met }) => [target, is, met ? "reached" : "not reached"])])}`,
  );
  console.log(
    `\n  first charge after zero: container ${result.find(({ name }) => name === "payment")?.firstCharge.toFixed(0)} ms, function ${functionFirst.toFixed(0)} ms`,
  );
  writeFileSync(
    "report/bench.json",
    `${JSON.stringify(
      {
        time: new Date().toISOString(),
        node: process.version,
        cpu: cpus()[0]?.model,
        loadAverage: loadavg(),
        rows: result,
        targets: reached,
        functionFirstCharge: functionFirst,
      },
      null,
      2,
    )}\n`,
  );
  console.log("\n  report/bench.json, report/bench.cpuprofile");
});

function report(result: Row[]): string {
  return table([
    [
      "",
      "cold start ms",
      "× bare",
      "its CPU ms",
      "× bare",
      "first charge ms",
      "idle MiB",
      "× bare",
      "loaded MiB",
      "× bare",
      "charges/s per core",
      "× bare",
      "CPU s per million",
      "p99 ms",
    ],
    ...result.map((row) => [
      row.name,
      ...[
        row.coldStart,
        row.coldStartRatio,
        row.startCpu,
        row.startCpuRatio,
        row.firstCharge,
        row.idle,
        row.idleRatio,
        row.loaded,
        row.loadedRatio,
        row.rate,
        row.rateRatio,
        row.cpuPerMillion,
        row.p99,
      ].map((value) => Number(value >= 20 ? value.toFixed(0) : value.toFixed(2))),
    ]),
  ]);
}
