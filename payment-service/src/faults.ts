import { setTimeout } from "node:timers/promises";
import Boom from "@hapi/boom";
import type { Lifecycle } from "@hapi/hapi";
import type { Config } from "./config.ts";

/** The faults that are switched on; undefined where none is. */
export function faults({ FAULT_LATENCY_MS, FAULT_ERROR_SHARE }: Config) {
  if (FAULT_LATENCY_MS === 0 && FAULT_ERROR_SHARE === 0) return undefined;
  return { latencyMs: FAULT_LATENCY_MS, errorShare: FAULT_ERROR_SHARE };
}

/** Makes requests late and fail, as the configuration says, to test those who call. */
export const injectFaults: Lifecycle.Method = async ({ server }, h) => {
  const on = faults(server.app.config);
  if (!on) return h.continue;
  await setTimeout(on.latencyMs);
  if (Math.random() < on.errorShare) {
    throw Boom.serverUnavailable("An error made on purpose: FAULT_ERROR_SHARE is set");
  }
  return h.continue;
};
