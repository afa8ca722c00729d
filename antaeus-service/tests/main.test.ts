import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { paymentThat } from "./helpers.ts";
import { start } from "./service.ts";

test("a wrong environment ends the process, and it says what is wrong", async (t) => {
  const antaeus = start(t, "antaeus-service", { PORT: "http" });
  const error = await t.throwsAsync(antaeus.url);
  t.regex(
    error?.message ?? "",
    /it ended before it listened: The environment is wrong: "PORT" must/,
  );
  t.is(await antaeus.terminate(), 1);
});

test("nothing is made up unless it is asked for", async (t) => {
  const env = { DATABASE: ":memory:", PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1" };
  const url = await start(t, "antaeus-service", env).url;
  for (const kind of ["customers", "invoices"])
    t.deepEqual(await (await fetch(`${url}/rest/v1/${kind}`)).json(), []);
});

test("services that start at once on a new database share it", async (t) => {
  for (let round = 0; round < 3; round++) {
    const DATABASE = join(mkdtempSync(join(tmpdir(), "antaeus-")), "antaeus.db");
    const env = {
      DATABASE,
      CUSTOMERS: "25",
      INVOICES_PER_CUSTOMER: "40",
      PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1",
    };
    const services = Array.from({ length: 4 }, () => start(t, "antaeus-service", env));
    for (const url of await Promise.all(services.map(({ url }) => url))) {
      const invoices = await fetch(`${url}/rest/v1/invoices`).then((answer) => answer.json());
      t.is(invoices.length, 1000);
    }
    await Promise.all(services.map(({ kill }) => kill()));
  }
});

/** Runs the program that a CronJob runs. @returns its exit code and what it says */
const payBy = (url: string) =>
  promisify(execFile)(process.execPath, ["src/main.ts", "pay", url]).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, said: stderr }),
  );

test("main.ts pay asks for a pay run, and fails while charges are without an answer", async (t) => {
  let answer = "";
  const endpoint = await paymentThat(t, (_request, response) => {
    response.writeHead(answer ? 200 : 503).end(answer);
  });
  const url = await start(t, "antaeus-service", {
    DATABASE: ":memory:",
    CUSTOMERS: "2",
    INVOICES_PER_CUSTOMER: "3",
    RETRY_DELAY_MS: "1",
    PAYMENT_PROVIDER_ENDPOINT: endpoint,
  }).url;
  const away = await payBy(url);
  t.is(away.code, 1);
  t.regex(away.said, /^pay run \S+: 200 false, 4 unanswered\n$/);
  for (const [result, how] of [
    [false, "not all were accepted"],
    [true, "all were accepted"],
  ] as const) {
    answer = JSON.stringify({ result });
    const { code, said } = await payBy(url);
    t.is(code, 0, said);
    t.regex(said, new RegExp(`^pay run \\S+: every charge has its answer, and ${how}\n$`));
  }
});

test("main.ts pay says what keeps it from asking", async (t) => {
  const nobody = await payBy("http://127.0.0.1:1");
  t.deepEqual([nobody.code, /ECONNREFUSED/.test(nobody.said)], [1, true]);
  t.regex((await payBy("antaeus")).said, /Invalid URL/);
  const other = await paymentThat(t, (_request, response) => response.writeHead(403).end("no"));
  t.regex((await payBy(other)).said, /403 no/);
});
