import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import Hapi from "@hapi/hapi";
import test from "ava";
import { type Event, handler, lambda } from "./lambda.ts";
import { startServer } from "./server.ts";

const env = { CALLER: "anybody" };
const folder = new URL("../tests/lambda-events/", import.meta.url);
const event = (name: string): Event =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));

const accepted = '{"result":true}';
const events: [name: string, statusCode: number, body: string | RegExp][] = [
  ["charge", 200, accepted],
  ["charge-base64", 200, accepted],
  ["charge-cookies", 200, accepted],
  ["charge-published-original", 200, accepted],
  ["charge-form", 415, /"Unsupported Media Type"/],
  ["charge-two-keys", 400, /idempotency-key.* must be/],
  ["charge-without-body", 400, /must be of type object/],
  ["charge-wrong", 400, /currency.*value.*customer_id/],
  ["health", 200, /"status":"ok"/],
  ["health-function-url", 200, /"status":"ok"/],
  ["health-named-stage", 200, /"status":"ok"/],
  ["unknown-path", 404, /"Not Found"/],
];

test("every event is replayed", (t) => {
  const files = readdirSync(folder).map((file) => file.replace(".json", ""));
  t.deepEqual(files.sort(), events.map(([name]) => name).sort());
});

for (const [name, statusCode, body] of events) {
  test(`the event ${name}: ${statusCode}`, async (t) => {
    const answer = lambda(() =>
      startServer({ env: { ...env, ACCEPTANCE_SHARE: "1" }, log: () => {} }),
    );
    const result = await answer(event(name));
    t.is(result.statusCode, statusCode);
    t.regex(result.body, body instanceof RegExp ? body : new RegExp(`^${body}$`));
    t.false(result.isBase64Encoded);
    t.deepEqual(result.cookies, []);
    t.regex(result.headers["content-type"] ?? "", /^application\/(problem\+)?json/);
    t.is(result.headers["content-length"], String(Buffer.byteLength(result.body)));
    t.false("connection" in result.headers);
  });
}

test("the server is started once, by the first event", async (t) => {
  let started = 0;
  const answer = lambda(async () => {
    started++;
    return startServer({ env, log: () => {} });
  });
  t.is(started, 0);
  await Promise.all([answer(event("health")), answer(event("health"))]);
  await answer(event("charge"));
  t.is(started, 1);
});

/** What a request looks like from inside, and an answer with all that a result can hold. */
test("requests and answers pass whole", async (t) => {
  const server = Hapi.server({ routes: { state: { parse: false } } });
  server.route({
    method: "*",
    path: "/{path*}",
    handler: ({ method, path, query, headers, payload, info }, h) => {
      const { cookie, "accept-language": language } = headers;
      const { remoteAddress } = info;
      return h
        .response({
          method,
          path,
          query,
          cookie,
          language,
          payload,
          remoteAddress,
          long: "é".repeat(999),
        })
        .state("session", "8c1f0d")
        .state("theme", "dark")
        .header("x-answer", "forty-two");
    },
  });
  const request = event("charge-cookies");
  const seen = {
    method: "post",
    path: "/api/v1/charge",
    query: { source: "console", tag: ["a", "b c"] },
    cookie: "session=8c1f0d; theme=dark",
    language: "da,en;q=0.5",
    payload: { currency: "EUR", value: 374.7234987654321, customer_id: 7 },
    remoteAddress: "198.51.100.23",
    long: "é".repeat(999),
  };
  const answer = lambda(async () => server);
  const plain = await answer(request);
  t.deepEqual(JSON.parse(plain.body), seen);
  t.is(plain.headers["x-answer"], "forty-two");
  t.deepEqual(
    plain.cookies.map((cookie) => cookie.split(";")[0]),
    ["session=8c1f0d", "theme=dark"],
  );
  t.false("set-cookie" in plain.headers);

  const zipped = await answer({
    ...request,
    headers: { ...request.headers, "accept-encoding": "gzip" },
  });
  t.is(zipped.headers["content-encoding"], "gzip");
  t.true(zipped.isBase64Encoded);
  t.deepEqual(JSON.parse(String(gunzipSync(Buffer.from(zipped.body, "base64")))), seen);
});

test("a path that begins like the stage is left alone", async (t) => {
  const answer = lambda(() => startServer({ env, log: () => {} }));
  const named = event("health-named-stage");
  t.is((await answer({ ...named, rawPath: "/health" })).statusCode, 200, "a mapped domain");
  t.is((await answer({ ...named, rawPath: "/testinghealth" })).statusCode, 404);
  t.is((await answer({ ...named, rawPath: "/testing/testing/health" })).statusCode, 404);
});

test("at a domain of one's own the path begins with what is mapped there, whatever the stage is called", async (t) => {
  const start = () => startServer({ env, log: () => {} });
  const [plain, mapped] = [lambda(start), lambda(start, { basePath: "/pay" })];
  const charge = event("charge");
  const at = (rawPath: string): Event => ({
    ...charge,
    rawPath,
    requestContext: { ...charge.requestContext, domainName: "pay.example.com", stage: "api" },
  });
  t.is((await plain(at("/api/v1/charge"))).statusCode, 200);
  t.is((await plain(at("/pay/api/v1/charge"))).statusCode, 404);
  t.is((await mapped(at("/pay/api/v1/charge"))).statusCode, 200);
  t.is((await mapped(at("/api/v1/charge"))).statusCode, 200);
  t.is((await mapped(at("/payments/api/v1/charge"))).statusCode, 404);
});

test("a start that failed is tried again by the next event", async (t) => {
  for (const early of [false, true]) {
    let starts = 0;
    const answer = lambda(
      async () => {
        if (++starts === 1) throw new Error("no environment yet");
        return startServer({ env, log: () => {} });
      },
      { early },
    );
    // One that starts early has failed before the first event, or is found failing by it.
    if (early) await new Promise(setImmediate);
    else await t.throwsAsync(answer(event("health")), { message: "no environment yet" });
    t.is(starts, 1);
    t.is((await answer(event("health"))).statusCode, 200);
    t.is(starts, 2);
  }
});

test("what is no HTTP event is refused, and told what one is", async (t) => {
  const answer = lambda(() => startServer({ env, log: () => {} }));
  for (const other of [{}, { version: "1.0", requestContext: { httpMethod: "GET" } }]) {
    await t.throwsAsync(answer(other as unknown as Event), { message: /payload format 2\.0/ });
  }
});

test("in AWS Lambda the server starts before the first event", async (t) => {
  const env = { CALLER: "anybody", AWS_LAMBDA_FUNCTION_NAME: "payment", BASE_PATH: "/pay" };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["-e", 'require("./dist/main.cjs")'],
    {
      env,
      timeout: 9000,
    },
  );
  t.like(JSON.parse(stdout), { message: "started" });
});

test("the handler reads the environment as the container does", async (t) => {
  process.env.CALLER = "anybody";
  t.is((await handler(event("health"))).statusCode, 200);
});

test("the bundle that the container runs answers events, and does not listen", async (t) => {
  const script = `require("./dist/main.cjs").handler(${JSON.stringify(event("charge"))})
    .then((result) => console.log(JSON.stringify(result)))`;
  const env = { CALLER: "anybody", ACCEPTANCE_SHARE: "1", PORT: "0" };
  // It would not end by itself if it listened.
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], {
    env,
    timeout: 9000,
  });
  const [started = "", logged = "", result = ""] = stdout.trim().split("\n");
  t.like(JSON.parse(started), { message: "started", version: "1.0.0", commit: "unknown" });
  t.like(JSON.parse(logged), { message: "request", status: 200, result: true });
  t.like(JSON.parse(result), { statusCode: 200, body: accepted });
});
