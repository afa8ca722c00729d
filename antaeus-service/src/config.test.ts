import test from "ava";
import { readConfig } from "./config.ts";

const PAYMENT_PROVIDER_ENDPOINT = "http://payment/api/v1/charge";

test("defaults", (t) => {
  t.deepEqual(readConfig({ PAYMENT_PROVIDER_ENDPOINT }), {
    HOST: "0.0.0.0",
    PORT: 8000,
    DRAIN_SECONDS: 2,
    DATABASE: "antaeus.db",
    CUSTOMERS: 0,
    INVOICES_PER_CUSTOMER: 0,
    PAYMENT_PROVIDER_ENDPOINT,
    CHARGE_TIMEOUT_MS: 5000,
    CHARGE_ATTEMPTS: 3,
    RETRY_DELAY_MS: 200,
    CIRCUIT_THRESHOLD: 5,
    CHARGE_CONCURRENCY: 8,
  });
});

test("every wrong variable is named, and the endpoint has no default", (t) => {
  const error = t.throws(() => readConfig({ CUSTOMERS: "-1", CHARGE_TIMEOUT_MS: "soon" }));
  t.regex(error.message, /"CUSTOMERS" must be/);
  t.regex(error.message, /"CHARGE_TIMEOUT_MS" must be/);
  t.regex(error.message, /"PAYMENT_PROVIDER_ENDPOINT" is required/);
});

for (const endpoint of ["payment:9000", "ftp://payment/charge", "/api/v1/charge"]) {
  test(`${endpoint} is no endpoint`, (t) => {
    t.throws(() => readConfig({ PAYMENT_PROVIDER_ENDPOINT: endpoint }), { message: /valid uri/ });
  });
}

test("the token's file is taken as it is, and may not be empty", (t) => {
  const PAYMENT_TOKEN_FILE = "/var/run/secrets/payment/token";
  t.like(readConfig({ PAYMENT_PROVIDER_ENDPOINT, PAYMENT_TOKEN_FILE }), { PAYMENT_TOKEN_FILE });
  t.throws(() => readConfig({ PAYMENT_PROVIDER_ENDPOINT, PAYMENT_TOKEN_FILE: "" }), {
    message: /"PAYMENT_TOKEN_FILE" is not allowed to be empty/,
  });
});

test("names of before, and misspelt ones, are refused, and the right ones said", (t) => {
  const old = { PAYMENT_PROVIDER_ENDPOINT, CHARGE_TIMEOUT: "5000", RETRY_DELAY: "200" };
  t.throws(() => readConfig(old), {
    message:
      /"CHARGE_TIMEOUT" is not known: is CHARGE_TIMEOUT_MS meant\?.*"RETRY_DELAY".* is RETRY_DELAY_MS meant/,
  });
});
