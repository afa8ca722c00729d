import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { type ChargeRequest, currencies } from "./charge-request.ts";
import { type ProbeConfig, readProbeConfig } from "./config.ts";
import { fingerprint } from "./idempotency.ts";

/** How many charges are under way at once. */
const concurrency = 8;

/** How many charges are made twice: where half are accepted, a version that draws anew agrees that often once in a million times. */
const twice = 20;

/** What came of a charge. */
interface Answer {
  /** Whether there was a connection at all. */
  reached: boolean;
  /** As the description has it; undefined where something else came. */
  result?: boolean;
  /** What came, in words. */
  came: string;
  milliseconds: number;
}

/**
 * Judges the version of payment that answers at a URL by synthetic charges, and says what it finds: to `log`, and to where
 * Kubernetes shows it with the pod. By hand, or for a Job: `main.cjs probe http://payment:9000`.
 * @param options.patience how long it waits for a first connection, in milliseconds: a policy may let a new pod through late
 * @param options.duration how long it goes on to make charges, in milliseconds
 * @param options.timeout how long it waits for an answer, in milliseconds: as long as Antaeus does
 * @returns the exit code: 0 where the version is good, 1 where it is wrong, 2 where there is no knowing
 */
export async function probe(
  url: string,
  {
    env = process.env,
    log = console.log as (said: string) => void,
    terminationLog = "/dev/termination-log",
    patience = 5000,
    duration = 15_000,
    timeout = 5000,
  } = {},
): Promise<number> {
  const say = async (code: number, said: string) => {
    log(said);
    // It is there in a pod alone.
    await writeFile(terminationLog, said, { flag: "r+" }).catch(() => {});
    return code;
  };
  try {
    const config = readProbeConfig(env);
    const charge = await charger(new URL("/api/v1/charge", url), config, timeout);
    const lost = performance.now() + patience;
    for (let first = await charge(0); !first.reached; first = await charge(0)) {
      if (performance.now() > lost) throw new Error(`nothing answers at ${url}: ${first.came}`);
      await setTimeout(200);
    }
    const charges: Answer[][] = [];
    const end = performance.now() + duration;
    let next = 0;
    const makeCharges = async () => {
      while (next < config.PROBE_CHARGES && performance.now() < end) {
        const number = next++;
        const answers = [await charge(number)];
        if (number < twice) answers.push(await charge(number));
        charges.push(answers);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, makeCharges));
    const judgements = judge(charges, config);
    const said = judgements.map(([good, what]) => `${good ? "good" : "wrong"}: it ${what}`);
    return say(judgements.every(([good]) => good) ? 0 : 1, said.join("\n"));
  } catch (error) {
    return say(2, `no knowing: ${(error as Error).message}`);
  }
}

/** @returns a function that makes the charge of a number: each time the same, with the same key */
async function charger(url: URL, config: ProbeConfig, timeout: number) {
  const { ACCEPTANCE_SHARE, PAYMENT_TOKEN_FILE: file } = config;
  // A startup snapshot can hold nothing of node:http.
  const { request } = process.getBuiltinModule("node:http");
  const run = randomBytes(8).toString("hex");
  const headers = {
    "content-type": "application/json",
    synthetic: "true",
    ...(file && { authorization: `Bearer ${(await readFile(file, "utf8")).trim()}` }),
  };
  return async (number: number): Promise<Answer> => {
    const currency = currencies[number % currencies.length] as string;
    const charge: ChargeRequest = { currency, customer_id: number + 1, value: 1 + number / 100 };
    // As keys come: some name their terms.
    const share = number % 2 ? `.share-${ACCEPTANCE_SHARE}` : "";
    const key = `"probe-${run}-${number}${share}.sha256-${fingerprint(charge)}"`;
    const begun = performance.now();
    const answer: Answer = { reached: false, came: "", milliseconds: 0 };
    try {
      const asked = request(url, {
        method: "POST",
        headers: { ...headers, "idempotency-key": key },
        // Each on a connection of its own: a cluster chooses a pod by connection.
        agent: false,
        signal: AbortSignal.timeout(timeout),
      });
      asked.once("socket", (socket) =>
        socket.once("connect", () => {
          answer.reached = true;
        }),
      );
      asked.end(JSON.stringify(charge));
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      const body = await text(response);
      const type = response.headers["content-type"];
      answer.came = `${response.statusCode} ${type} ${body.slice(0, 200)}`;
      const [, result] =
        /^200 application\/json\b.* \{"result":(true|false)\}$/.exec(answer.came) ?? [];
      if (result) answer.result = result === "true";
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      answer.came = `${code}: ${message}`;
    }
    answer.milliseconds = performance.now() - begun;
    return answer;
  };
}

/** @param charges the answers of each: one, or two */
function judge(charges: Answer[][], config: ProbeConfig): [good: boolean, what: string][] {
  const all = charges.flat();
  const answered = all.filter(({ result }) => result !== undefined).length;
  const other = all.find(({ result }) => result === undefined);
  // One in a hundred may fail, for connections that the network loses: four. A version that fails one in twenty has so
  // few less than once in 100,000 times, and one that fails one in five never.
  const needed = Math.ceil(all.length * 0.99);
  const results = charges.flatMap(([first]) => first?.result ?? []);
  const accepted = results.filter(Boolean).length;
  const [least, most] = likely(results.length, config.ACCEPTANCE_SHARE);
  const repeated = charges
    .map((answers) => answers.flatMap(({ result }) => result ?? []))
    .filter(({ length }) => length === 2);
  const kept = repeated.filter(([first, second]) => first === second).length;
  const times = all.map(({ milliseconds }) => milliseconds).sort((one, other) => one - other);
  const within = (share: number) => Math.ceil(times[Math.ceil(share * times.length) - 1] as number);
  return [
    [
      answered >= needed,
      `answered ${answered} of ${all.length} charges as it is described, where ${needed} are needed${other ? `; not so: ${other.came}` : ""}`,
    ],
    [
      least <= accepted && accepted <= most,
      `accepted ${accepted} of ${results.length} charges, where ${least} to ${most} are likely`,
    ],
    [
      kept === repeated.length,
      `repeated its answer for ${kept} of ${repeated.length} charges that were made twice`,
    ],
    [
      within(0.95) <= config.PROBE_LATENCY_MS,
      `answered half of the charges within ${within(0.5)} ms and 95 % within ${within(0.95)} ms, where ${config.PROBE_LATENCY_MS} ms are allowed`,
    ],
  ];
}

/**
 * How many of n charges are accepted by chance, all but once in a million times: exact tails of the binomial
 * distribution, half of the odds on each side.
 */
export function likely(n: number, share: number): [least: number, most: number] {
  const least = (share: number) => {
    // Logarithms, because (1 - share)^n may be too small for a double. Where the share is 1 they are no numbers, and no tail.
    let logProbability = n * Math.log(1 - share);
    let tail = 0;
    for (let count = 0; count < n; count++) {
      tail += Math.exp(logProbability);
      if (tail > 0.5e-6) return count;
      logProbability += Math.log(((n - count) / (count + 1)) * (share / (1 - share)));
    }
    return n;
  };
  return [least(share), n - least(1 - share)];
}
