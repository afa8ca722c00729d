// make bench-antaeus: time and memory of Antaeus on one core, as its invoices grow from a thousand to a million.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onServerCore } from "../../payment-service/bench/server.ts";
import { main } from "../../tools/cli/command.ts";
import { step } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";

const sizes = [1000, 10_000, 100_000, 1_000_000].slice(0, process.env.BENCH_QUICK ? 2 : 4);
const folder = mkdtempSync(join(tmpdir(), "antaeus-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A payment that costs next to nothing, and accepts every other charge. */
let charges = 0;
const payment = createServer((asked, answer) => {
  asked.resume().once("end", () => answer.end(`{"result":${++charges % 2 === 0}}`));
}).listen(0, "127.0.0.1");

/** How V8 sizes its heap in a container of 256 MiB, as in the manifests: by the machine's memory it would take its time. */
const heap = ["--max-old-space-size=128", "--max-semi-space-size=1"];

/** Starts Antaeus on one core, on a new database. @returns its URL, once it has its invoices */
async function start(invoices: number) {
  const { port } = payment.address() as AddressInfo;
  const command = onServerCore(process.execPath, ...heap, "antaeus-service/dist/main.cjs");
  const env = {
    ...{ PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", DRAIN_SECONDS: "0" },
    DATABASE: join(folder, `${invoices}.db`),
    CUSTOMERS: String(invoices / 40),
    INVOICES_PER_CUSTOMER: "40",
    PAYMENT_PROVIDER_ENDPOINT: `http://127.0.0.1:${port}/api/v1/charge`,
  };
  const child = spawn("taskset", command, { env, stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  // Read to the end: Antaeus must not wait for a reader of its log.
  const [line] = await once(createInterface(child.stdout), "line");
  return { url: JSON.parse(line).url as string, pid: child.pid as number, child };
}

/** Reads an answer, without fetch's limit of five minutes. */
async function read(url: string, method = "GET"): Promise<void> {
  const [answer] = (await once(request(url, { method }).end(), "response")) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`${url} answers ${answer.statusCode}`);
  await once(answer.resume(), "end");
}

/** The most memory that a process has had, in MiB. */
function peak(pid: number): number {
  const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** How long something takes, in seconds, and the most memory that the process has meanwhile, in MiB. */
async function measure(pid: number, body: () => Promise<unknown>) {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const begun = performance.now();
  await body();
  return { seconds: (performance.now() - begun) / 1000, mib: peak(pid) };
}

/** Asks for health and readiness until told to end. @returns the longest time of 100, and of all, in milliseconds */
function probe(url: string) {
  const times: number[] = [];
  const timer = setInterval(async () => {
    const begun = performance.now();
    await Promise.all([read(`${url}/rest/health`), read(`${url}/rest/ready`)]);
    times.push(performance.now() - begun);
  }, 100);
  return () => {
    clearInterval(timer);
    times.sort((a, b) => a - b);
    return [times[Math.floor(times.length * 0.99)], times.at(-1)].map((time) =>
      Math.round(time ?? 0),
    );
  };
}

const head =
  "invoices,start s,MiB,list s,MiB,10 lists s,MiB,pay run s,MiB,charges/s,p99 ms,max ms,scrape ms";
const brief = (seconds: number) => Number(seconds.toFixed(seconds < 10 ? 2 : 0));

main(async () => {
  await once(payment, "listening");
  const rows: (string | number)[][] = [];
  for (const size of sizes)
    await step(`${size.toLocaleString("en")} invoices`, async () => {
      const begun = performance.now();
      const { url, pid, child } = await start(size);
      const started = (performance.now() - begun) / 1000;
      const list = () => read(`${url}/rest/v1/invoices`);
      const lists = () => Promise.all(Array.from({ length: 10 }, list));
      const measured = [{ seconds: started, mib: peak(pid) }];
      for (const body of [list, lists]) measured.push(await measure(pid, body));
      const [before, probed] = [charges, probe(url)];
      const run = await measure(pid, () => read(`${url}/rest/v1/invoices/pay`, "POST"));
      const probes = probed();
      const scrape = await measure(pid, () => read(`${url}/metrics`));
      rows.push([
        size,
        ...[...measured, run].flatMap(({ seconds, mib }) => [brief(seconds), mib]),
        Math.round((charges - before) / run.seconds),
        ...probes,
        Math.round(scrape.seconds * 1000),
      ]);
      child.kill("SIGTERM");
      await once(child, "exit");
    });
  payment.close();
  console.log(table([head.split(","), ...rows]));
});
