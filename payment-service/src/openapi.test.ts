import { Validator } from "@seriousme/openapi-schema-validator";
import test from "ava";
import type { Schema } from "joi";
import { drain } from "service-kit/lifecycle";
import manifest from "../package.json" with { type: "json" };
import { service, valid } from "../tests/helpers.ts";
import { payload, syntheticHeader } from "./charge-request.ts";
import { keyHeader } from "./idempotency.ts";
import openapi from "./openapi.json" with { type: "json" };

/** As it is sent. */
const made: typeof openapi & { paths: Record<string, object> } = openapi;

/** The JSON Schema that joi makes of its own, by a part of the interface that it does not declare. */
function jsonSchema(schema: Schema): object {
  const standard = schema["~standard"] as unknown as {
    jsonSchema: { input(options: { target: string }): object };
  };
  return JSON.parse(JSON.stringify(standard.jsonSchema.input({ target: "draft-2020-12" })));
}

test("openapi.json is what the service validates by", (t) => {
  t.deepEqual(made.components.schemas.Charge as object, jsonSchema(payload));
  t.deepEqual(
    made.paths["/api/v1/charge"].post.parameters.map(({ schema }) => schema as object),
    [keyHeader, syntheticHeader].map(jsonSchema),
  );
  t.is(made.info.version, manifest.version);
});

test("it is served", async (t) => {
  const { server } = await service();
  const { statusCode, payload } = await server.inject("/openapi.json");
  t.is(statusCode, 200);
  t.deepEqual(JSON.parse(payload), made);
});

test("it is OpenAPI 3.1", async (t) => {
  const validator = new Validator();
  t.deepEqual(await validator.validate(made), { valid: true });
  t.is(validator.version, "3.1");
  const { valid } = await validator.validate({ ...made, info: {} });
  t.false(valid, "the check itself");
});

test("it describes every route", async (t) => {
  const { server } = await service();
  const routes = server.table().map(({ method, path }) => `${method} ${path}`);
  const described = Object.entries(made.paths as Record<string, object>).flatMap(
    ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
  );
  t.deepEqual(described.sort(), routes.sort());
});

const { parameters, requestBody } = made.paths["/api/v1/charge"].post;
const [key] = parameters as unknown as [
  { name: string; examples: Record<string, { value: string }> },
];
const charges: Record<string, { value: unknown }> =
  requestBody.content["application/json"].examples;

for (const [name, { value }] of Object.entries(charges)) {
  test(`the charge ${name} is charged, with each key`, async (t) => {
    const { charge } = await service();
    t.is((await charge(value)).statusCode, 200);
    for (const example of Object.values(key.examples)) {
      t.is((await charge(value, { [key.name]: example.value })).statusCode, 200);
    }
  });
}

test("the bound key is bound", async (t) => {
  const { charge } = await service();
  const bound = key.examples.bound?.value ?? "";
  t.is((await charge(valid, { [key.name]: bound })).statusCode, 422);
});

type Service = Awaited<ReturnType<typeof service>>;
const charge =
  (payload: unknown, headers?: Record<string, string>) =>
  ({ charge }: Service) =>
    charge(payload, headers);
const get =
  (url: string) =>
  ({ server }: Service) =>
    server.inject(url);

const caller = {
  CALLER: undefined,
  CALLER_ISSUER: "https://kubernetes.default.svc.cluster.local",
  CALLER_JWKS_URL: "https://kubernetes.default.svc/openid/v1/jwks",
  CALLER_AUDIENCE: "payment",
  CALLER_SUBJECT: "system:serviceaccount:app-antaeus:antaeus",
};

/** A charge by somebody whose token is right for charges of one kind, and wrong for this one. */
const forbidden = (headers?: Record<string, string>) => (running: Service) => {
  running.server.app.verify = async () => headers === undefined;
  return running.charge(valid, { authorization: "Bearer right", ...headers });
};

/** How to get each answer that stands in the description as an example. */
const ways: Record<string, [ask: (s: Service) => ReturnType<Service["charge"]>, env?: object]> = {
  accepted: [charge(valid), { ACCEPTANCE_SHARE: "1" }],
  refused: [charge(valid), { ACCEPTANCE_SHARE: "0" }],
  wrongCharge: [charge({ currency: "CHF", value: -1, customer_id: 7 })],
  wrongKey: [charge(valid, { "idempotency-key": "8e03978e-40d5" })],
  brokenJson: [charge('{"currency":')],
  noToken: [charge(valid), caller],
  syntheticAlone: [forbidden(), caller],
  noSynthetic: [forbidden({ synthetic: "true" }), caller],
  tooLong: [charge("x".repeat(1025))],
  form: [charge("currency=EUR", { "content-type": "application/x-www-form-urlencoded" })],
  usedKey: [
    async ({ charge }) => {
      await charge(valid, { "idempotency-key": '"x"' });
      return charge({ ...valid, value: 1 }, { "idempotency-key": '"x"' });
    },
  ],
  fault: [charge(valid), { FAULT_ERROR_SHARE: "1" }],
  terms: [get("/api/v1/terms")],
  usual: [get("/health")],
  faults: [get("/health"), { FAULT_LATENCY_MS: "5", FAULT_ERROR_SHARE: "0.25" }],
  ready: [get("/ready")],
  draining: [
    async ({ server }) => {
      const drained = drain(server);
      const answer = await server.inject("/ready");
      await drained;
      return answer;
    },
    { DRAIN_SECONDS: "0" },
  ],
};

interface Response {
  content: Record<string, { examples?: Record<string, { value: unknown }> }>;
}
const responses = Object.values(made.paths as Record<string, Record<string, object>>)
  .flatMap((methods) => Object.values(methods) as { responses: Record<string, Response> }[])
  .flatMap(({ responses }) => Object.entries(responses));
const examples = responses.flatMap(([status, { content }]) =>
  Object.entries(content).flatMap(([type, { examples = {} }]) =>
    Object.entries(examples).map(([name, { value }]) => ({ name, status, type, value })),
  ),
);

test("every example is tried", (t) => {
  t.deepEqual(examples.map(({ name }) => name).sort(), Object.keys(ways).sort());
});

for (const { name, status, type, value } of examples) {
  test(`the example ${name} is what is answered`, async (t) => {
    const [ask, env] = ways[name] ?? t.fail();
    const { statusCode, headers, payload } = await ask(await service({ ...env }));
    t.is(statusCode, Number(status));
    t.is(String(headers["content-type"]).split(";")[0], type);
    t.deepEqual(JSON.parse(payload), value);
  });
}
