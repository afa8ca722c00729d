import { hash } from "node:crypto";
import Boom from "@hapi/boom";
import type { ServerApplicationState, ServerRoute } from "@hapi/hapi";
import Joi from "joi";
import { Counter, type Registry } from "service-kit/metrics";
import { authenticate } from "./auth.ts";
import { type ChargeRequest, currencies, payload, syntheticHeader } from "./charge-request.ts";
import type { Config } from "./config.ts";
import { injectFaults } from "./faults.ts";
import { isBoundToOtherCharge, keyHeader, shareOf, withoutShare } from "./idempotency.ts";

/** Of a request's duration, in seconds: a charge takes less than a millisecond. */
export const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export type CountCharge = (key: string | undefined, result: boolean, currency: string) => void;

/** Counts what charges are decided, and what was to be expected. */
export function chargeCounter(registry: Registry, config: Config): CountCharge {
  const decided = new Counter({
    name: "payment_charges_total",
    help: "Charges decided.",
    labelNames: ["result", "currency"],
    registers: [registry],
  });
  // Known from the start, so that a rate starts from zero.
  for (const currency of [...currencies, "unknown"])
    for (const result of ["accepted", "refused"]) decided.inc({ result, currency }, 0);
  const expected = new Counter({
    name: "payment_charges_expected_total",
    help: "Charges to be accepted: the sum of the shares that decide them.",
    registers: [registry],
  });
  const variance = new Counter({
    name: "payment_charges_variance_total",
    help: "The variance of how many are accepted: the sum of share × (1 - share).",
    registers: [registry],
  });
  return (key, result, currency) => {
    decided.inc({ result: result ? "accepted" : "refused", currency });
    // Not as the handler has it: a mistake there has to show.
    const share = shareOf(key) ?? config.ACCEPTANCE_SHARE;
    expected.inc(share);
    variance.inc(share * (1 - share));
  };
}

const headers = Joi.object({ "idempotency-key": keyHeader, synthetic: syntheticHeader }).unknown();

/** POST /api/v1/charge: whether a charge is accepted is drawn at random. */
export const charge: ServerRoute = {
  method: "POST",
  path: "/api/v1/charge",
  options: {
    validate: { headers, payload },
    ext: { onPreAuth: { method: authenticate }, onPreHandler: { method: injectFaults } },
  },
  handler(request) {
    const key = request.headers["idempotency-key"] as string | undefined;
    const charge = request.payload as ChargeRequest;
    const { config, countCharge } = request.server.app;
    const share = shareOf(key) ?? config.ACCEPTANCE_SHARE;
    const result = draw(charge, request.server.app, key) < share;
    const currency = typeof charge.currency === "string" ? charge.currency : "unknown";
    // A currency that is known would say more of the charge than the log may.
    Object.assign(request.app.fields, currency === "unknown" && { currency }, { result });
    if (!request.app.fields.synthetic) countCharge(key, result, currency);
    return { result };
  },
};

/** GET /api/v1/terms: what a new Idempotency-Key should name, so that its answer outlives a change of this. */
export const terms: ServerRoute = {
  method: "GET",
  path: "/api/v1/terms",
  handler: ({ server: { app } }) => ({ acceptance_share: app.config.ACCEPTANCE_SHARE }),
};

/**
 * A number in [0, 1). With a key it follows from key and charge alone, so that a repeat gets the first
 * answer, also one that begins to name a share. So it does within a window of time, if there is one.
 * Without either, each call is a new draw.
 * @throws 422 where the key is known for another charge's
 */
function draw(
  charge: ChargeRequest,
  { config, keys }: ServerApplicationState,
  key?: string,
): number {
  const seconds = config.REPEAT_WINDOW_SECONDS;
  // Windows begin at multiples of their length, so every replica has the same one, by its clock alone.
  const repeats =
    (key && withoutShare(key)) ??
    (seconds && `${seconds} s, ${Math.floor(Date.now() / 1000 / seconds)}`);
  if (!repeats) return Math.random();
  const { currency, value, customer_id } = charge;
  const digest = hash("sha256", JSON.stringify([repeats, currency, value, customer_id]));
  if (key !== undefined && (isBoundToOtherCharge(key, charge) || !keys.check(key, digest))) {
    throw Boom.badData(
      "The Idempotency-Key is that of another charge: send a new key with this one",
    );
  }
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32;
}
