const { createRequire } = require("node:module");

// From where make bench installed it.
const fastify = createRequire(`${process.env.PEERS}/`)("fastify");

const body = {
  type: "object",
  required: ["currency", "value", "customer_id"],
  additionalProperties: false,
  properties: {
    currency: { enum: ["EUR", "USD", "DKK", "SEK", "GBP"] },
    value: { type: "number", exclusiveMinimum: 0, maximum: 1e9 },
    customer_id: { type: "integer", minimum: 1 },
  },
};
const response = { 200: { type: "object", properties: { result: { type: "boolean" } } } };

const app = fastify();
app.get("/health", async () => ({ status: "ok" }));
app.post("/api/v1/charge", { schema: { body, response } }, async () => ({
  result: Math.random() < 0.5,
}));
app.listen({ port: Number(process.env.PORT), host: process.env.HOST });
