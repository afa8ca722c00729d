import type { RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import type { Invoice } from "../src/database.ts";
import { paymentThat } from "./helpers.ts";

/** When a connection is cut: payment was not asked, has answered, or its answer is half sent. */
export type Cut = "before" | "after" | "amid";

/**
 * A proxy in front of payment that cuts connections, and keeps the books: what payment was asked, and
 * what it answered, whether the answer got through or not.
 */
export interface Cutter {
  /** Where Antaeus asks for charges. */
  endpoint: string;
  /** Which cut the next request gets; undefined lets it through. */
  next: () => Cut | undefined;
  /** The cuts so far. */
  cuts: Record<Cut, number>;
  /** The requests that payment accepted or refused. */
  answers: Answer[];
}

interface Answer {
  /** What payment takes for one charge: those with this key, or without one each by itself. */
  charge: string;
  /** The body of the request. */
  body: string;
  accepted: boolean;
}

/**
 * Puts a cutter in front of payment.
 * @param payments each request goes to one of them, as to the pods of two versions during a rollout
 * @param options.keys false leaves out the Idempotency-Key, as a client would that knows of none
 * @param options.terms false leaves out what payment says of its terms, as a version would that has none
 * @param options.delay time each request is held up before payment is asked, in milliseconds
 */
export async function cutter(
  t: ExecutionContext,
  payments: string[],
  { keys = true, delay = 0, terms = true } = {},
): Promise<Cutter> {
  const it: Cutter = {
    endpoint: "",
    next: () => undefined,
    cuts: { before: 0, after: 0, amid: 0 },
    answers: [],
  };
  const one = () => payments[Math.floor(Math.random() * payments.length)];
  const pass: RequestListener = async (_request, response) => {
    const answer = await fetch(`${one()}/api/v1/terms`);
    response.writeHead(answer.status).end(await answer.text());
  };
  const charge: RequestListener = async (request, response) => {
    const body = await text(request);
    const cut = it.next();
    if (cut !== undefined) it.cuts[cut]++;
    if (cut === "before") return request.socket.destroy();
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));

    const key = keys ? (request.headers["idempotency-key"] as string) : undefined;
    const answer = await fetch(`${one()}/api/v1/charge`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key && { "idempotency-key": key }) },
      body,
    });
    const said = await answer.text();
    const name = key ?? `without a key, number ${it.answers.length}`;
    if (answer.ok) it.answers.push({ charge: name, body, accepted: JSON.parse(said).result });

    if (cut === "after") return request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" });
    if (cut === "amid") return halve(response, said);
    response.end(said);
  };
  it.endpoint = await paymentThat(t, charge, terms ? pass : undefined);
  return it;
}

/** Sends half an answer that reads like a whole one to whoever only looks for "true". */
function halve(response: ServerResponse, said: string): void {
  response.write(said.slice(0, -1), () => response.socket?.destroy());
}

/** What the books say of each invoice: how many charges of it payment accepted. */
export function accepted(invoices: Invoice[], { answers }: Cutter): Map<number, number> {
  const charges = new Map<string, Set<string>>();
  for (const { charge, body, accepted } of answers) {
    const of = charges.get(body) ?? new Set();
    charges.set(body, accepted ? of.add(charge) : of);
  }
  const bodies = invoices.map(({ id, customerId, amount: { currency, value } }) => ({
    id,
    body: JSON.stringify({ currency, customer_id: customerId, value }),
  }));
  return new Map(bodies.map(({ id, body }) => [id, charges.get(body)?.size ?? 0]));
}
