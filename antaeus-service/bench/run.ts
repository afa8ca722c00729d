// make bench-antaeus: time and memory of Antaeus on one core, as its invoices grow from a thousand to a million; and a pay
// run beside a plain client of payment.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Load } from "../../payment-service/bench/load.ts";
import { paymentCommand } from "../../payment-service/bench/peers.ts";
import { median } from "../../payment-service/bench/result.ts";
import { cores, onCore, start as startPayment } from "../../payment-service/bench/server.ts";
import { main, run } from "../../tools/cli/command.ts";
import { step } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";
import type { Row } from "../../tools/pages/growth.ts";
import { write } from "../../tools/pages/layout.ts";
import { page } from "./page.ts";

const sizes = [1000, 10_000, 100_000, 1_000_000].slice(0, process.env.BENCH_QUICK ? 2 : 4);
const folder = mkdtempSync(join(tmpdir(), "antaeus-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A payment that costs next to nothing, and accepts every other charge. */
let charges = 0;
const payment = createServer((asked, answer) => {
  const isTerms = asked.url === "/api/v1/terms";
  asked.resume().once("end", () => {
    answer.end(isTerms ? '{"acceptance_share":0.5}' : `{"result":${++charges % 2 === 0}}`);
  });
}).listen(0, "127.0.0.1");

/** Charges under way at once: Antaeus' own default. */
const concurrency = 8;

/** How V8 sizes its heap in a container of 256 MiB, as in the manifests: by the machine's memory it would take its time. */
const heap = ["--max-old-space-size=128", "--max-semi-space-size=1"];

let databases = 0;

/**
 * Starts Antaeus on one core, on a new database.
 * @param asks the payment that it charges by
 * @returns its URL, once it has its invoices
 */
async function start(invoices: number, asks: string, core = cores.server) {
  const command = [process.execPath, ...heap, "antaeus-service/dist/main.cjs"];
  const env = {
    ...{ PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", DRAIN_SECONDS: "0" },
    DATABASE: join(folder, `${++databases}.db`),
    CUSTOMERS: String(invoices / 40),
    INVOICES_PER_CUSTOMER: "40",
    CHARGE_CONCURRENCY: String(concurrency),
    PAYMENT_PROVIDER_ENDPOINT: `${asks}/api/v1/charge`,
  };
  const child = spawn("taskset", onCore(core, ...command), {
    ...{ env, stdio: ["ignore", "pipe", "inherit"] },
  });
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

/** @throws Error unless some invoices were paid: a run that asks for nothing is a quick one */
async function payRun(url: string): Promise<void> {
  await read(`${url}/rest/v1/invoices/pay`, "POST");
  const metrics = await (await fetch(`${url}/metrics`)).text();
  if (!/^antaeus_charges_total\{.*result="accepted".*\} [1-9]/m.test(metrics))
    throw new Error("the pay run paid nothing");
}

/**
 * Charges a second of a payment on a core of its own: of a plain client with connections that stay, and of a pay run,
 * which keeps each answer. In turns, so that what else this machine does meets both.
 */
async function besidePlainClient() {
  const { url: asks, stop } = await startPayment(() => paymentCommand(), { CALLER: "anybody" });
  const rates = { plain: [] as number[], payRun: [] as number[] };
  for (let round = 1; round <= 3; round++) {
    const load = ["payment-service/bench/load.ts", asks, String(concurrency), "3"];
    const made = await run("taskset", onCore(cores.load, process.execPath, ...load));
    const { ok, seconds } = JSON.parse(made) as Load;
    rates.plain.push(ok / seconds);
    const { url, child } = await start(4000, asks, cores.load);
    const begun = performance.now();
    await payRun(url);
    // Of each customer's forty invoices the first is PAID.
    rates.payRun.push(3900 / ((performance.now() - begun) / 1000));
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  await stop();
  return { plain: median(rates.plain), payRun: median(rates.payRun) };
}

const file = "report/bench-antaeus.html";
const brief = (seconds: number) => Number(seconds.toFixed(seconds < 10 ? 2 : 0));

main(async () => {
  await once(payment, "listening");
  const rows: Row[] = [];
  for (const size of sizes)
    await step(`${size.toLocaleString("en")} invoices`, async () => {
      const begun = performance.now();
      const { port } = payment.address() as AddressInfo;
      const { url, pid, child } = await start(size, `http://127.0.0.1:${port}`);
      const started = (performance.now() - begun) / 1000;
      const list = () => read(`${url}/rest/v1/invoices`);
      const lists = () => Promise.all(Array.from({ length: 10 }, list));
      const row: Row = { invoices: size, "start s": brief(started), "start MiB": peak(pid) };
      const add = async (what: string, body: () => Promise<unknown>) => {
        const { seconds, mib } = await measure(pid, body);
        Object.assign(row, { [`${what} s`]: brief(seconds), [`${what} MiB`]: mib });
        return seconds;
      };
      await add("list", list);
      await add("10 lists", lists);
      const [before, probed] = [charges, probe(url)];
      const seconds = await add("pay run", () => payRun(url));
      row["charges/s"] = Math.round((charges - before) / seconds);
      [row["p99 ms"] = 0, row["max ms"] = 0] = probed();
      const scrape = await measure(pid, () => read(`${url}/metrics`));
      row["scrape ms"] = Math.round(scrape.seconds * 1000);
      rows.push(row);
      child.kill("SIGTERM");
      await once(child, "exit");
    });
  payment.close();
  const made = await step("A pay run, and a plain client of payment", besidePlainClient);
  console.log(table([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))]));
  const [ran, plain] = [made.payRun, made.plain].map((rate) => Math.round(rate));
  const ratio = `${concurrency} charges at once: ${ran} a second in a pay run, ${plain} by a plain client: ${(made.payRun / made.plain).toFixed(2)} of it.`;
  console.log(`\n  ${ratio}\n`);
  write(file, await page(rows, ratio));
  console.log(`▸ ${file}`);
});
