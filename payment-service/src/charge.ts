import { hash } from "node:crypto";
import Boom from "@hapi/boom";
import type { ServerApplicationState, ServerRoute } from "@hapi/hapi";
import Joi from "joi";
import { injectFaults } from "./faults.ts";
import { contradicts, keyHeader } from "./idempotency.ts";

/** The body of a charge, as it was sent. */
export interface Charge {
  /** One of `currencies`, or an empty object: unknown. */
  currency: string | Record<string, never>;
  value: number;
  customer_id: number;
}

export const currencies = ["EUR", "USD", "DKK", "SEK", "GBP"] as const;

const wrongCurrency = `{#label} must be one of [${currencies.join(", ")}]`;

/**
 * The challenge's own Antaeus sends an empty object: what its JSON library makes of an enum. Such a charge
 * has a currency that payment does not get to know.
 */
const currency = Joi.alternatives(
  Joi.valid(...currencies),
  Joi.object().length(0).messages({ "object.length": wrongCurrency }),
)
  .required()
  .messages({ "alternatives.types": wrongCurrency })
  .description("The empty object, which some JSON libraries make of an enum, is an unknown one.");

export const payload = Joi.object({
  currency,
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
    const { config, metrics } = request.server.app;
    const result = draw(charge, request.server.app, key) < config.ACCEPTANCE_SHARE;
    request.app.result = result;
    const currency = typeof charge.currency === "string" ? charge.currency : "unknown";
    if (currency === "unknown") request.app.currency = currency;
    metrics.charge(currency, result);
    return { result };
  },
};

/**
 * A number in [0, 1). With a key it follows from key and charge alone, so that a repeat gets the first
 * answer. So it does within a window of time, if there is one. Without either, each call is a new draw.
 * @throws 422 where the key is known for another charge's
 */
function draw(charge: Charge, { config, keys }: ServerApplicationState, key?: string): number {
  const repeats = key ?? currentWindow(config.REPEAT_WINDOW_SECONDS);
  if (repeats === undefined) return Math.random();
  const { currency, value, customer_id } = charge;
  const digest = hash("sha256", JSON.stringify([repeats, currency, value, customer_id]));
  if (key !== undefined && (contradicts(key, charge) || keys.conflicts(key, digest))) {
    throw Boom.badData(
      "The Idempotency-Key is that of another charge: send a new key with this one",
    );
  }
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32;
}

/**
 * The window of time that stands in for the key of a caller that sends none. Windows start at multiples of
 * their length, so every replica has the same one, by its clock alone.
 * @param seconds its length; 0 for none
 */
function currentWindow(seconds: number): string | undefined {
  return seconds > 0 ? `${seconds} s, ${Math.floor(Date.now() / 1000 / seconds)}` : undefined;
}
