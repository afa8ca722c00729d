import { hash } from "node:crypto";
import Boom from "@hapi/boom";
import type { ServerRoute } from "@hapi/hapi";
import Joi from "joi";
import { injectFaults } from "./faults.ts";
import { contradicts, type KeyMemory, keyHeader } from "./idempotency.ts";

export interface Charge {
  currency: string;
  value: number;
  customer_id: number;
}

export const currencies = ["EUR", "USD", "DKK", "SEK", "GBP"] as const;

export const payload = Joi.object({
  currency: Joi.string()
    .valid(...currencies)
    .required(),
  // The bound only catches the absurd.
  value: Joi.number()
    .positive()
    .max(1_000_000_000)
    .required()
    .description("In units of the currency. Decimals may be long."),
  customer_id: Joi.number().integer().positive().max(Number.MAX_SAFE_INTEGER).required(),
}).required();

const headers = Joi.object({ "idempotency-key": keyHeader }).unknown();

/** POST /api/v1/charge: whether a charge is accepted is drawn at random. */
export const charge: ServerRoute = {
  method: "POST",
  path: "/api/v1/charge",
  options: {
    auth: "caller",
    validate: { headers, payload },
    ext: { onPreHandler: { method: injectFaults } },
  },
  handler(request) {
    const key = request.headers["idempotency-key"] as string | undefined;
    const charge = request.payload as Charge;
    const { config, keys, metrics } = request.server.app;
    const result = draw(charge, keys, key) < config.ACCEPTANCE_SHARE;
    request.app.result = result;
    metrics.charge(charge.currency, result);
    return { result };
  },
};

/**
 * A number in [0, 1). Without a key each call is a new draw. With one it follows from key and
 * charge alone, so that a repeat gets the first answer.
 * @throws 422 where the key is known for another charge's
 */
function draw(charge: Charge, keys: KeyMemory, key?: string): number {
  if (key === undefined) return Math.random();
  const { currency, value, customer_id } = charge;
  const digest = hash("sha256", JSON.stringify([key, currency, value, customer_id]));
  if (contradicts(key, charge) || keys.conflicts(key, digest)) {
    throw Boom.badData(
      "The Idempotency-Key is that of another charge: send a new key with this one",
    );
  }
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32;
}
