import { createHash } from "node:crypto";
import type { ServerRoute } from "@hapi/hapi";
import Joi from "joi";

export interface Charge {
  currency: string;
  value: number;
  customer_id: number;
}

const payload = Joi.object({
  currency: Joi.string().valid("EUR", "USD", "DKK", "SEK", "GBP").required(),
  /** In units of the currency. Decimals may be long; the bound only catches the absurd. */
  value: Joi.number().positive().max(1_000_000_000).required(),
  customer_id: Joi.number().integer().positive().required(),
}).required();

/** A quoted string of RFC 9651, as the IETF draft on Idempotency-Key asks: `"8e03978e-40d5"`. */
const headers = Joi.object({
  "idempotency-key": Joi.string()
    .pattern(/^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255}"$/, "quoted string")
    .messages({
      "string.pattern.name": '{#label} must be a quoted string, such as "8e03978e-40d5"',
    }),
}).unknown();

/** POST /api/v1/charge: whether a charge is accepted is drawn at random. */
export const charge: ServerRoute = {
  method: "POST",
  path: "/api/v1/charge",
  options: { auth: "caller", validate: { headers, payload } },
  handler(request) {
    const key = request.headers["idempotency-key"] as string | undefined;
    const { ACCEPTANCE_SHARE } = request.server.app.config;
    const result = draw(request.payload as Charge, key) < ACCEPTANCE_SHARE;
    Object.assign(request.app, { result });
    return { result };
  },
};

/**
 * A number in [0, 1). Without a key each call is a new draw. With one it follows from key and
 * charge alone, so that a repeat gets the first answer on every replica and after every restart.
 */
function draw({ currency, value, customer_id }: Charge, key?: string): number {
  if (key === undefined) return Math.random();
  const hash = createHash("sha256").update(JSON.stringify([key, currency, value, customer_id]));
  return hash.digest().readUInt32BE() / 2 ** 32;
}
