import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import test from "ava";
import { certificate } from "../tests/certificates.ts";
import { caller, sign, signer } from "../tests/signer.ts";

const folder = mkdtempSync(join(tmpdir(), "snapshot-"));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Runs Node to its end, and returns what it printed. */
async function node(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ["--no-warnings", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return text(child.stdout);
}

/**
 * Makes a snapshot and prints from two processes.
 * @param prepare code that runs while it is made
 * @param main an expression that each process prints
 */
async function prints(prepare: string, main: string): Promise<[string, string]> {
  const name = join(folder, String(performance.now()));
  writeFileSync(
    `${name}.cjs`,
    `const { randomUUID, randomBytes } = require("node:crypto");
    ${prepare};
    require("node:v8").startupSnapshot.setDeserializeMainFunction(() => console.log(${main}));`,
  );
  await node(`--snapshot-blob=${name}.blob`, "--build-snapshot", `${name}.cjs`);
  return Promise.all([node(`--snapshot-blob=${name}.blob`), node(`--snapshot-blob=${name}.blob`)]);
}

// What the service draws from at run time must not remember what was drawn for the snapshot.
for (const draw of ["Math.random()", 'randomBytes(8).toString("hex")']) {
  test(`${draw} differs in processes of one snapshot that has drawn before`, async (t) => {
    const [one, other] = await prints(draw, draw);
    t.regex(one, /^\w/);
    t.not(one, other);
  });
}

test("control: crypto.randomUUID would replay", async (t) => {
  const [one, other] = await prints("randomUUID()", "randomUUID()");
  t.regex(one, /^[0-9a-f-]{36}\n$/);
  t.is(one, other);
});

/** Starts the service from its snapshot and makes charges. @param listening is called before the first */
async function charges(env: NodeJS.ProcessEnv, count: number, headers = {}, listening = () => {}) {
  const child = spawn(process.execPath, ["--snapshot-blob=dist/snapshot.blob"], {
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { url } = JSON.parse((await lines.next()).value ?? "{}");
    listening();
    const results: boolean[] = [];
    for (let i = 0; i < count; i++) {
      const response = await fetch(`${url}/api/v1/charge`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '{"currency":"EUR","value":1.5,"customer_id":1}',
      });
      results.push((await response.json()).result);
    }
    const { trace_id } = JSON.parse((await lines.next()).value ?? "{}");
    return { results, trace_id };
  } finally {
    child.kill("SIGKILL");
  }
}

test("two pods of one snapshot decide differently", async (t) => {
  const [one, other] = await Promise.all([charges({}, 64), charges({}, 64)]);
  t.is(one.results.length, 64);
  t.notDeepEqual(one.results, other.results);
  t.regex(one.trace_id, /^[0-9a-f]{32}$/);
  t.not(one.trace_id, other.trace_id);
});

test("each process reads its own environment", async (t) => {
  const [none, all] = await Promise.all([
    charges({ ACCEPTANCE_SHARE: "0" }, 8),
    charges({ ACCEPTANCE_SHARE: "1" }, 8),
  ]);
  t.deepEqual(none.results, Array(8).fill(false));
  t.deepEqual(all.results, Array(8).fill(true));
});

test("the file of the issuer's CA is read when keys are fetched, not when the process starts", async (t) => {
  const [ca, former] = [certificate("CA"), certificate("CA")];
  const key = await signer("RS256", "rsa");
  const issuer = createServer(
    certificate("issuer", { subject: "CA", key: ca.key }),
    (_request, response) => response.end(JSON.stringify({ keys: [key.jwk] })),
  ).listen(0, "127.0.0.1");
  await once(issuer, "listening");
  t.teardown(() => issuer.close().closeAllConnections());
  const CALLER_CA_FILE = join(folder, "ca.crt");
  writeFileSync(CALLER_CA_FILE, former.cert);
  const { results } = await charges(
    {
      ...caller,
      CALLER: undefined,
      CALLER_CA_FILE,
      CALLER_JWKS_URL: `https://127.0.0.1:${(issuer.address() as AddressInfo).port}`,
      ACCEPTANCE_SHARE: "1",
    },
    2,
    { authorization: `Bearer ${await sign(key)}` },
    () => writeFileSync(CALLER_CA_FILE, ca.cert),
  );
  t.deepEqual(results, [true, true]);
});

test("a wrong environment is refused", async (t) => {
  const child = spawn(process.execPath, ["--snapshot-blob=dist/snapshot.blob"], {
    env: { PORT: "x" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [printed, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  t.regex(printed, /"PORT"/);
  t.is(code, 1);
});
