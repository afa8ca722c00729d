import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

/**
 * Asks an Antaeus for a pay run, and waits until it is over, which may take an hour: so not by `fetch`, which
 * gives up after five minutes. What a CronJob runs: `main.cjs pay http://antaeus:8000`.
 * @param antaeus its URL
 * @returns what to say of the run
 * @throws Error when invoices are left that payment has not answered for: another run has to ask again
 */
export async function pay(antaeus: string): Promise<string> {
  const asked = request(new URL("/rest/v1/invoices/pay", antaeus), { method: "POST" });
  // Nothing is said meanwhile, and a connection without a word is forgotten on the way.
  asked.setSocketKeepAlive(true, 30_000);
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const answer = await text(response);
  const { "pay-run": run, "pay-run-unanswered": unanswered } = response.headers;
  if (response.statusCode !== 200 || unanswered !== "0") {
    throw new Error(`pay run ${run}: ${response.statusCode} ${answer}, ${unanswered} unanswered`);
  }
  return `pay run ${run}: every charge has its answer, and ${answer === "true" ? "all were" : "not all were"} accepted`;
}
