// npm run openapi: writes openapi.json, the description of the API, from what the service validates by.
// The file is kept in Git: a change of the API shows in review, and costs no start any time.
import type { Schema } from "joi";
import manifest from "../package.json" with { type: "json" };
import { payload } from "./charge.ts";
import { keyHeader } from "./idempotency.ts";

/** The JSON Schema that joi makes of its own, by a part of the interface that it does not declare. */
function jsonSchema(schema: Schema): object {
  const standard = schema["~standard"] as unknown as {
    jsonSchema: { input(options: { target: string }): object };
  };
  return standard.jsonSchema.input({ target: "draft-2020-12" });
}

const object = (properties: Record<string, object>, optional: string[] = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});

const text = { type: "string" };

const json = (description: string, schema: object, examples: Record<string, object>) => ({
  description,
  content: { "application/json": { schema, examples: named(examples) } },
});

const named = (examples: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));

const problem = (
  description: string,
  status: number,
  title: string,
  examples: Record<string, string>,
) => ({
  description,
  content: {
    "application/problem+json": {
      schema: { $ref: "#/components/schemas/Problem" },
      examples: named(
        Object.fromEntries(
          Object.entries(examples).map(([name, detail]) => [name, { title, status, detail }]),
        ),
      ),
    },
  },
});

/** The description of the API, OpenAPI 3.1. Its examples are those that the tests try. */
export const document = () => ({
  openapi: "3.1.1",
  info: {
    title: "Payment",
    version: manifest.version,
    description: "Decides charges, at random. Errors are problem details (RFC 9457).",
  },
  servers: [{ url: "/" }],
  paths: {
    "/api/v1/charge": {
      post: {
        operationId: "charge",
        summary: "Decide a charge",
        security: [{}, { token: [] }],
        parameters: [
          {
            name: "Idempotency-Key",
            in: "header",
            description:
              "The same key and charge get the same answer, from every replica. A key that ends in " +
              ".sha256- and the fingerprint of its charge is refused with any other charge; any " +
              "other key is so by a replica that remembers it. The fingerprint is SHA-256, in " +
              "base64url, of the charge as canonical JSON (RFC 8785).",
            schema: jsonSchema(keyHeader),
            examples: named({
              opaque: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
              bound: '"invoice-7.sha256-TvMe9Z-KtXmkIIWs-SJfEaAnZicnmUQHIyVHiRNX1WY"',
            }),
          },
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: { $ref: "#/components/schemas/Charge" },
              examples: named({
                charge: { currency: "EUR", value: 374.72, customer_id: 7 },
              }),
            },
          },
        },
        responses: {
          200: json("Decided.", object({ result: { type: "boolean" } }), {
            accepted: { result: true },
            refused: { result: false },
          }),
          400: problem("The body or the key is malformed.", 400, "Bad Request", {
            wrongCharge:
              '"currency" must be one of [EUR, USD, DKK, SEK, GBP]. "value" must be a positive number',
            wrongKey:
              '"idempotency-key" must be a quoted string of 1 to 255 characters, such as "8e03978e-40d5"',
            brokenJson: "Invalid request payload JSON format",
          }),
          401: {
            ...problem(
              "The caller must show a token, and this is none or wrong.",
              401,
              "Unauthorized",
              {
                noToken: '"authorization" must be "Bearer" and a token',
              },
            ),
            headers: { "WWW-Authenticate": { required: true, schema: text } },
          },
          408: problem("The body did not come in time.", 408, "Request Time-out", {}),
          413: problem("The body is too long.", 413, "Request Entity Too Large", {
            tooLong: "Payload content length greater than maximum allowed: 1024",
          }),
          415: problem("The body is no JSON, or does not say so.", 415, "Unsupported Media Type", {
            form: "Unsupported Media Type",
          }),
          422: problem("The key is that of another charge.", 422, "Unprocessable Entity", {
            usedKey: "The Idempotency-Key is that of another charge: send a new key with this one",
          }),
          503: problem("Not now: try again, with the same key.", 503, "Service Unavailable", {
            fault: "An error made on purpose: FAULT_ERROR_SHARE is set",
          }),
        },
      },
    },
    "/health": {
      get: {
        operationId: "health",
        summary: "Whether the process serves, and what runs",
        responses: {
          200: json(
            "It serves.",
            object(
              {
                status: { const: "ok" },
                version: text,
                commit: { ...text, description: "Of Git; unknown in development." },
                faults: {
                  ...object({ latencyMs: { type: "integer" }, errorShare: { type: "number" } }),
                  description: "Those that are switched on to test callers.",
                },
              },
              ["faults"],
            ),
            {
              usual: { status: "ok", version: manifest.version, commit: "unknown" },
              faults: {
                status: "ok",
                version: manifest.version,
                commit: "unknown",
                faults: { latencyMs: 5, errorShare: 0.25 },
              },
            },
          ),
        },
      },
    },
    "/ready": {
      get: {
        operationId: "ready",
        summary: "Whether the process wants requests",
        responses: {
          200: json("It does.", object({ status: { const: "ready" } }), {
            ready: { status: "ready" },
          }),
          503: problem("It is about to stop.", 503, "Service Unavailable", {
            draining: "Draining: send requests elsewhere",
          }),
        },
      },
    },
    "/metrics": {
      get: {
        operationId: "metrics",
        summary: "Metrics for Prometheus",
        responses: {
          200: { description: "In its text format.", content: { "text/plain": { schema: text } } },
        },
      },
    },
    "/openapi.json": {
      get: {
        operationId: "describe",
        summary: "This description",
        responses: {
          200: {
            description: "OpenAPI 3.1.",
            content: { "application/json": { schema: { type: "object" } } },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Charge: jsonSchema(payload),
      Problem: object({ title: text, status: { type: "integer" }, detail: text }),
    },
    securitySchemes: {
      token: {
        type: "http",
        scheme: "bearer",
        bearerFormat: "JWT",
        description: "Of the caller's service account, where payment knows its caller.",
      },
    },
  },
});

if (import.meta.main) console.log(JSON.stringify(document(), null, 2));
