import { startTrafficFrom, type Traffic } from "../../support/traffic.ts";
import { drained, kubectl } from "./cluster.ts";

/**
 * Charges payment until told to stop.
 * @param from the pod that charges: Antaeus' own, or one of startCaller's
 * @returns a function that lets it go on for some seconds more, and until no old pod drains, ends it, and says what became of it
 */
export function startTraffic(traffic: Traffic, from = "deployment/antaeus") {
  const stop = startTrafficFrom(kubectl, from, traffic);
  return async (seconds = 2) => {
    await drained("payment");
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return stop();
  };
}
