import type { Request } from "@hapi/hapi";
import Joi from "joi";

/** The body of a charge, as it was sent. */
export interface ChargeRequest {
  /** One of `currencies`, or an empty object: unknown. */
  currency: string | Record<string, never>;
  value: number;
  customer_id: number;
}

export const currencies = ["EUR", "USD", "DKK", "SEK", "GBP"] as const;

/** Of a charge that is no customer's: it goes the same way, and is not counted among theirs. */
export const syntheticHeader = Joi.valid("true");

/** Has a synthetic charge logged and counted as one. @returns whether it is one */
export function markSynthetic({ headers, route, app }: Request): boolean {
  const synthetic = headers.synthetic === "true";
  if (synthetic)
    Object.assign(app, { countAs: `${route.path} (synthetic)`, fields: { synthetic } });
  return synthetic;
}

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
