import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { caller, sign, signer } from "../tests/signer.ts";
import { likely, probe } from "./probe.ts";
import { startServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "probe-"));
test.after.always(() => rmSync(folder, { recursive: true }));

// One by one, as they measure how long answers take. Where that is not what is tested, a busy machine may take its time.
const busy = { PROBE_LATENCY_MS: "30000" };
const busyOptions = { duration: 60_000, timeout: 30_000 };

/** Runs a probe. @returns its exit code and what it says, which is what Kubernetes is told as well */
async function probed(t: ExecutionContext, url: string, env: NodeJS.ProcessEnv = {}, options = {}) {
  const terminationLog = join(folder, t.title.replace(/\W/g, "-"));
  writeFileSync(terminationLog, "");
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const code = await probe(url, {
    env: { ...busy, ...env },
    log,
    terminationLog,
    ...busyOptions,
    ...options,
  });
  const said = lines.join("\n");
  t.is(readFileSync(terminationLog, "utf8"), said);
  return { code, said };
}

/** A payment of this version. @returns its URL, and the lines it logs */
async function payment(t: ExecutionContext, env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const server = await startServer({
    start: true,
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", ...env },
    log: (line) => lines.push(line),
  });
  t.teardown(() => server.stop({ timeout: 0 }));
  return { url: `http://127.0.0.1:${server.info.port}`, lines };
}

interface Asked {
  /** How many charges were asked for before. */
  before: number;
  /** The charge's own number, by its key. */
  number: number;
  body: string;
  request: IncomingMessage;
  response: ServerResponse;
}

/** Answers a charge: with its result, with a status of failure, or as it likes. */
type Version = (asked: Asked) => unknown;

/** A server that stands in for a version. */
async function standIn(t: ExecutionContext, version: Version) {
  let count = 0;
  const server = createServer(async (request, response) => {
    const before = count++;
    const body = await text(request);
    const number = Number(/^"probe-\w+-(\d+)\./.exec(keyOf(request))?.[1]);
    const answer = await version({ before, number, body, request, response });
    if (typeof answer === "number") response.writeHead(answer).end("no");
    if (typeof answer === "boolean") decide(response, { result: answer });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close().closeAllConnections());
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const keyOf = ({ headers }: IncomingMessage) => String(headers["idempotency-key"]);
const decide = (response: ServerResponse, body: object, type = "application/json") =>
  void response.writeHead(200, { "content-type": type }).end(JSON.stringify(body));

/** A version that is right: half of the charges are accepted, each of them always. */
const right = ({ number }: Asked) => number % 4 < 2;

for (const share of ["0", "0.03", "0.5", "1"])
  test.serial(`payment is good, with a share of ${share}`, async (t) => {
    const { url } = await payment(t, { ACCEPTANCE_SHARE: share });
    const { code, said } = await probed(t, url, { ACCEPTANCE_SHARE: share });
    t.is(code, 0, said);
    const [answered, accepted, repeated, latency, ...others] = said.split("\n");
    t.is(answered, "good: it answered 420 of 420 charges as it is described, where 416 are needed");
    t.regex(accepted ?? "", /^good: it accepted \d+ of 400 charges, where \d+ to \d+ are likely$/);
    t.is(repeated, "good: it repeated its answer for 20 of 20 charges that were made twice");
    t.regex(latency ?? "", /^good: it answered half .* within \d+ ms, where 30000 ms are allowed$/);
    t.deepEqual(others, []);
  });

test.serial(
  "payment with another share is wrong, although every other key names the one that was expected",
  async (t) => {
    const { url } = await payment(t, { ACCEPTANCE_SHARE: "0.9" });
    const { code, said } = await probed(t, url);
    t.is(code, 1);
    t.regex(said, /^wrong: it accepted 2\d\d of 400 charges, where 151 to 249 are likely$/m);
  },
);

test.serial("payment that fails one charge in five is wrong", async (t) => {
  const { url } = await payment(t, { FAULT_ERROR_SHARE: "0.2" });
  const { code, said } = await probed(t, url);
  t.is(code, 1);
  t.regex(said, /^wrong: it answered 3\d\d of 420 .*; not so: 503 .*FAULT_ERROR_SHARE is set/);
});

const answered = (count: string, because: string) =>
  `wrong: it answered ${count} of 420 charges as it is described, where 416 are needed; not so: ${because}`;

/** Versions, and what is said of each that is wrong, in one line alone; of those that are good, nothing. */
const versions: [what: string, version: Version, says?: string, env?: NodeJS.ProcessEnv][] = [
  ["is right", right],
  [
    "loses one connection",
    (asked) => (asked.before === 99 ? asked.request.socket.destroy() : right(asked)),
  ],
  ["loses four of 420", (asked) => (asked.before % 105 === 99 ? 503 : right(asked))],
  [
    "fails five of 420",
    (asked) => (asked.before % 84 === 60 ? 500 : right(asked)),
    answered("415", "500 undefined no"),
  ],
  [
    "loses one connection in five",
    (asked) => (asked.before % 5 === 1 ? asked.request.socket.destroy() : right(asked)),
    answered("336", "ECONNRESET: socket hang up"),
  ],
  [
    "answers in words",
    (asked) => decide(asked.response, { result: String(right(asked)) }),
    answered("0", '200 application/json {"result":"true"}'),
  ],
  [
    "answers more than it may",
    (asked) => decide(asked.response, { result: right(asked), id: 1 }),
    answered("0", '200 application/json {"result":true,"id":1}'),
  ],
  [
    "answers in another type",
    (asked) => decide(asked.response, { result: right(asked) }, "text/plain"),
    answered("0", '200 text/plain {"result":true}'),
  ],
  [
    "answers 201",
    (asked) => {
      asked.response.writeHead(201, { "content-type": "application/json" });
      asked.response.end(JSON.stringify({ result: right(asked) }));
    },
    answered("0", '201 application/json {"result":true}'),
  ],
  ["refuses all", () => false, "wrong: it accepted 0 of 400 charges, where 151 to 249 are likely"],
  [
    "accepts 90 %",
    ({ number }) => number % 10 > 0,
    "wrong: it accepted 360 of 400 charges, where 151 to 249 are likely",
  ],
  [
    "accepts one where none is to be",
    ({ number }) => number === 77,
    "wrong: it accepted 1 of 400 charges, where 0 to 0 are likely",
    { ACCEPTANCE_SHARE: "0" },
  ],
  [
    "refuses one where all are to be accepted",
    ({ number }) => number !== 77,
    "wrong: it accepted 399 of 400 charges, where 400 to 400 are likely",
    { ACCEPTANCE_SHARE: "1" },
  ],
  [
    "is slow",
    (asked) => setTimeout(60, right(asked)),
    "wrong: it answered half of the charges within TIME ms and 95 % within TIME ms, where 50 ms are allowed",
    { PROBE_LATENCY_MS: "50" },
  ],
  [
    "is slow with one charge in ten",
    (asked) => setTimeout(asked.before % 10 ? 0 : 800, right(asked)),
    "wrong: it answered half of the charges within TIME ms and 95 % within TIME ms, where 500 ms are allowed",
    { PROBE_LATENCY_MS: "500" },
  ],
];
for (const [what, version, says, env] of versions)
  test.serial(`a version that ${what} is ${says ? "wrong" : "good"}`, async (t) => {
    const { url } = await standIn(t, version);
    const { code, said } = await probed(t, url, env);
    const wrong = said.split("\n").filter((line) => !line.startsWith("good: "));
    t.deepEqual(
      wrong.map((line) => line.replace(/within \d+/g, "within TIME")),
      says ? [says] : [],
      said,
    );
    t.is(code, says ? 1 : 0);
  });

for (const [what, begin, because] of [
  ["does not answer one charge in twenty", () => {}, "ABORT_ERR: The operation was aborted"],
  [
    "does not end one answer in twenty",
    (response: ServerResponse) =>
      void response.writeHead(200, { "content-type": "application/json" }).write("{"),
    "ECONNRESET: aborted",
  ],
] as const)
  test.serial(`a version that ${what} is wrong`, async (t) => {
    const { url } = await standIn(t, (asked) =>
      asked.before % 20 === 1 ? begin(asked.response) : right(asked),
    );
    const { code, said } = await probed(t, url, {}, { timeout: 1000 });
    t.is(code, 1);
    t.regex(said, /^wrong: it answered 3\d\d of 420 charges/);
    t.true(said.includes(`; not so: ${because}\n`), said);
  });

test.serial("a version that answers another way the second time is wrong", async (t) => {
  const seen = new Set<number>();
  const { url } = await standIn(t, (asked) => {
    const again = asked.number === 7 && seen.has(7);
    seen.add(asked.number);
    return right(asked) !== again;
  });
  const { code, said } = await probed(t, url);
  t.is(code, 1);
  t.regex(said, /^wrong: it repeated its answer for 19 of 20 charges that were made twice$/m);
});

test.serial(
  "charges are synthetic, have a key and a connection each, and eight are made at once",
  async (t) => {
    const keys: string[] = [];
    let [connections, now, most] = [0, 0, 0];
    const { url, server } = await standIn(t, async (asked) => {
      keys.push(keyOf(asked.request));
      t.is(asked.request.headers.synthetic, "true");
      t.is(asked.request.url, "/api/v1/charge");
      most = Math.max(most, ++now);
      await setTimeout(5);
      now--;
      return right(asked);
    });
    server.on("connection", () => connections++);
    for (let time = 0; time < 2; time++)
      t.is((await probed(t, url, { PROBE_CHARGES: "100" })).code, 0);
    // Beside those that it makes twice, one for a first connection.
    t.is(keys.length, 2 * (100 + 20 + 1));
    t.is(connections, keys.length);
    t.is(new Set(keys).size, 2 * 100, "another probe has other keys");
    t.is(keys.filter((key) => /\.share-0\.5\.sha256-/.test(key)).length, 2 * (50 + 10));
    t.is(most, 8);
  },
);

test.serial("a probe ends in time, and judges the charges that it made", async (t) => {
  const { url } = await standIn(t, (asked) => setTimeout(50, right(asked)));
  const { code, said } = await probed(t, url, {}, { duration: 1000 });
  t.is(code, 0, said);
  const [, made] = /it accepted \d+ of (\d+) charges/.exec(said) ?? [];
  t.true(Number(made) > 0 && Number(made) <= 160, said);
});

test.serial("there is no knowing where nothing answers", async (t) => {
  const { url, server } = await standIn(t, right);
  server.close();
  const { code, said } = await probed(t, url, {}, { patience: 300 });
  t.is(code, 2);
  t.regex(
    said,
    /^no knowing: nothing answers at http:\S+: ECONNREFUSED: connect ECONNREFUSED \S+$/,
  );
});

test.serial("a version that comes a little later is waited for", async (t) => {
  const { url, server } = await standIn(t, right);
  const { port } = server.address() as AddressInfo;
  server.close();
  const probing = probed(t, url);
  await setTimeout(500);
  server.listen(port, "127.0.0.1");
  t.is((await probing).code, 0);
});

test.serial("a version that goes away amid the charges is wrong", async (t) => {
  const { url, server } = await standIn(t, (asked) => {
    if (asked.before === 200) server.close();
    return right(asked);
  });
  const { code, said } = await probed(t, url);
  t.is(code, 1);
  t.regex(said, /^wrong: it answered 2\d\d of 420 .*; not so: ECONN/);
});

test.serial("the caller is known by the token in a file", async (t) => {
  const key = await signer("RS256", "rsa");
  const issuer = await standIn(t, ({ response }) => decide(response, { keys: [key.jwk] }));
  const sub = "system:serviceaccount:app-payment:release-probe";
  const { url, lines } = await payment(t, {
    ...{ ...caller, CALLER: undefined, CALLER_JWKS_URL: issuer.url, SYNTHETIC_SUBJECT: sub },
  });
  const PAYMENT_TOKEN_FILE = join(folder, "token");
  writeFileSync(PAYMENT_TOKEN_FILE, `${await sign(key, { sub })}\n`);
  const good = await probed(t, url, { PAYMENT_TOKEN_FILE });
  t.is(good.code, 0, good.said);
  t.like(JSON.parse(lines.at(-1) ?? ""), { synthetic: true, status: 200 });

  writeFileSync(PAYMENT_TOKEN_FILE, await sign(key));
  const { code, said } = await probed(t, url, { PAYMENT_TOKEN_FILE });
  t.is(code, 1);
  t.regex(said, /^wrong: it answered 0 of 420 .*; not so: 403 .*no synthetic charges/);
});

test.serial("there is no knowing with an environment or a URL that is wrong", async (t) => {
  for (const [url, env, says] of [
    ["http://127.0.0.1:1", { PROBE_CHARGES: "99" }, /"PROBE_CHARGES" must be greater/],
    ["http://127.0.0.1:1", { PROBE_LATENCY: "99" }, /is PROBE_LATENCY_MS meant\?/],
    ["http://127.0.0.1:1", { ACCEPTANCE_SHARE: "2" }, /"ACCEPTANCE_SHARE" must be/],
    ["http://127.0.0.1:1", { PAYMENT_TOKEN_FILE: "/no/token" }, /ENOENT.*'\/no\/token'/],
    ["payment", {}, /Invalid URL/],
  ] as const) {
    const { code, said } = await probed(t, url, env);
    t.is(code, 2);
    t.regex(said, /^no knowing: .*$/);
    t.regex(said, says);
  }
});

for (const [what, ...args] of [
  ["main.ts", "src/main.ts"],
  ["the bundle", "dist/main.cjs"],
  ["the snapshot", "--snapshot-blob=dist/snapshot.blob"],
] as const)
  test.serial(`${what} probes, and ends with what it found`, async (t) => {
    const { url } = await payment(t);
    for (const [share, expected, says] of [
      ["0.5", 0, /^good.*\ngood.*\ngood.*\ngood.*\n$/],
      ["1", 1, /^good.*\nwrong: it accepted .*\ngood.*\ngood.*\n$/],
    ] as const) {
      const child = spawn(process.execPath, [...args, "probe", url], {
        env: { ...busy, ACCEPTANCE_SHARE: share },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      t.regex(said, says);
      t.is(code, expected);
    }
  });

/** The chance that of n charges `count` are accepted. */
function chance(n: number, count: number, share: number): number {
  let chance = 1;
  for (let of = 1; of <= count; of++) chance *= ((n - count + of) / of) * share;
  return chance * (1 - share) ** (n - count);
}

test.serial("what is likely leaves out half of a millionth on either side, and no more", (t) => {
  for (const [n, share] of [
    [400, 0.5],
    [400, 0.03],
    [137, 0.9],
    [100, 0.001],
  ] as const) {
    const [least, most] = likely(n, share);
    const sum = (from: number, to: number) => {
      let all = 0;
      for (let count = from; count <= to; count++) all += chance(n, count, share);
      return all;
    };
    t.true(sum(0, least - 1) <= 0.5e-6 && sum(0, least) > 0.5e-6, `${n} ${share}: ${least}`);
    t.true(sum(most + 1, n) <= 0.5e-6 && sum(most, n) > 0.5e-6, `${n} ${share}: ${most}`);
  }
  t.deepEqual(likely(400, 0), [0, 0]);
  t.deepEqual(likely(400, 1), [400, 400]);
  t.deepEqual(likely(0, 0.5), [0, 0]);
  t.deepEqual(likely(10_000, 0.5), [4755, 5245]);
});
