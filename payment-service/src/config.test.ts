import test from "ava";
import { readConfig, readProbeConfig } from "./config.ts";

const anybody = { CALLER: "anybody" };

test("defaults", (t) => {
  t.deepEqual(readConfig(anybody), {
    CALLER: "anybody",
    HOST: "0.0.0.0",
    PORT: 9000,
    ACCEPTANCE_SHARE: 0.5,
    DRAIN_SECONDS: 7,
    REPEAT_WINDOW_SECONDS: 0,
    FAULT_LATENCY_MS: 0,
    FAULT_ERROR_SHARE: 0,
  });
});

test("defaults of a probe", (t) => {
  t.deepEqual(readProbeConfig({}), {
    ACCEPTANCE_SHARE: 0.5,
    PROBE_CHARGES: 400,
    PROBE_LATENCY_MS: 1000,
  });
});

test("values from the environment", (t) => {
  const config = readConfig({ ...anybody, PORT: "80", ACCEPTANCE_SHARE: "0.25", PATH: "/bin" });
  t.like(config, { PORT: 80, ACCEPTANCE_SHARE: 0.25 });
  t.false("PATH" in config);
});

test("every wrong variable is named", (t) => {
  const error = t.throws(() => readConfig({ PORT: "http", ACCEPTANCE_SHARE: "2" }));
  t.regex(error.message, /"PORT" must be/);
  t.regex(error.message, /"ACCEPTANCE_SHARE" must be/);
});

const caller = {
  CALLER_ISSUER: "https://kubernetes.default.svc.cluster.local",
  CALLER_JWKS_URL: "https://kubernetes.default.svc/openid/v1/jwks",
  CALLER_AUDIENCE: "payment",
  CALLER_SUBJECT: "system:serviceaccount:app-antaeus:antaeus",
};

test("the caller is all four variables", (t) => {
  t.like(readConfig(caller), caller);
});

test("anybody may charge only where that is said", (t) => {
  t.throws(() => readConfig({}), {
    message: /: Who may charge\? CALLER_ISSUER and three more say it, or CALLER=anybody$/,
  });
  t.throws(() => readConfig({ CALLER: "antaeus" }), { message: /"CALLER" must be \[anybody\]/ });
  t.throws(() => readConfig({ ...caller, ...anybody }), {
    message: /CALLER must come without CALLER_ISSUER/,
  });
});

test("a CA without an issuer is refused", (t) => {
  const CALLER_CA_FILE = "/var/run/cluster/ca.crt";
  t.like(readConfig({ ...caller, CALLER_CA_FILE }), { CALLER_CA_FILE });
  t.throws(() => readConfig({ ...anybody, CALLER_CA_FILE }), { message: /CALLER_CA_FILE/ });
});

test("who makes synthetic charges is known beside the caller, not instead", (t) => {
  const SYNTHETIC_SUBJECT = "system:serviceaccount:app-payment:release-probe";
  t.like(readConfig({ ...caller, SYNTHETIC_SUBJECT }), { SYNTHETIC_SUBJECT });
  for (const wrong of [
    { ...anybody, SYNTHETIC_SUBJECT },
    { ...caller, SYNTHETIC_SUBJECT: "" },
    { ...caller, SYNTHETIC_SUBJECTS: "x" },
  ])
    t.throws(() => readConfig(wrong), { message: /SYNTHETIC_SUBJECT/ });
});

for (const variable of Object.keys(caller)) {
  test(`a caller without ${variable} is refused, and so is ${variable} alone`, (t) => {
    const { [variable as keyof typeof caller]: value, ...others } = caller;
    const without = t.throws(() => readConfig(others));
    t.true(without.message.endsWith(` must come with [${variable}]`), without.message);
    const alone = t.throws(() => readConfig({ [variable]: value }));
    t.regex(
      alone.message,
      new RegExp(`\\[${variable}\\] must come with \\[(CALLER_\\w+(, )?){3}\\]`),
    );
    const empty = t.throws(() => readConfig({ ...caller, [variable]: "" }));
    t.regex(empty.message, new RegExp(`"${variable}" is not allowed to be empty`));
  });
}

for (const url of ["kubernetes:443", "file:///etc/jwks.json", "/openid/v1/jwks"]) {
  test(`${url} is no place for keys`, (t) => {
    t.throws(() => readConfig({ ...caller, CALLER_JWKS_URL: url }), {
      message: /"CALLER_JWKS_URL" must be a valid uri/,
    });
  });
}
