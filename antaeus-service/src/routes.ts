import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { ResponseToolkit, ServerApplicationState, ServerRoute } from "@hapi/hapi";
import Joi from "joi";

const id = Joi.number().integer().positive();
const params = Joi.object({ id });

/** Which part of a list to answer; what else is asked for is ignored. */
const query = Joi.object({ limit: id.max(1000), after: id }).unknown();

type Items = { id: number }[];

/** Items in one piece of a long list: about 64 kB of JSON. */
const piece = 600;

/** A client that takes nothing of an answer for so long, in milliseconds, loses its connection. */
const stalled = 30_000;

/**
 * A long list as JSON, piece by piece, as fast as the client takes it. The pieces are read one after the other, not at
 * one moment: no reader holds up the log of the database. Between two of them others have their turn.
 * @param items the first piece
 * @param next gives what comes after an id
 */
async function* stream(items: Items, next: (after: number) => Items): AsyncGenerator<string> {
  for (let [part, opening] = [items, "["]; part.length > 0; opening = ",") {
    yield opening + JSON.stringify(part).slice(1, -1);
    await setImmediate();
    part = next(part.at(-1)?.id as number);
  }
  yield "]";
}

/**
 * GET path: the list by id, whole, or with `?limit=` and `?after=` a part of it: so many items, those
 * after this id. A header `Link` (RFC 8288) leads to the next part, if there is one.
 * GET path/{id}: one item, or 404 "not found".
 * @param list gives those after an id, so many at most
 */
function listAndItem(
  path: string,
  list: (app: ServerApplicationState, after: number | undefined, limit: number) => Items,
): ServerRoute[] {
  return [
    {
      method: "GET",
      path,
      options: { validate: { query }, timeout: { socket: stalled } },
      handler({ query, server: { app }, app: { fields } }, h) {
        const { after, limit } = query as { after?: number; limit?: number };
        const found = list(app, after, (limit ?? piece) + 1);
        const items = found.slice(0, limit ?? piece);
        if (found.length === items.length) return h.response(items);
        if (limit) {
          const next = `${path}?limit=${limit}&after=${items.at(-1)?.id}`;
          return h.response(items).header("link", `<${next}>; rel="next"`);
        }
        const pieces = stream(items, (id) => list(app, id, piece));
        const whole = Readable.from(pieces, { objectMode: false }).on("error", ({ stack }) => {
          fields.error = stack;
        });
        return h.response(whole).type("application/json");
      },
    },
    {
      method: "GET",
      path: `${path}/{id}`,
      options: { validate: { params } },
      handler({ params: { id }, server }, h) {
        const [item] = list(server.app, (id as number) - 1, 1);
        return item?.id === id ? item : json(h, "not found").code(404);
      },
    },
  ];
}

/** Answers a JSON string or boolean; a bare string hapi would send as HTML. */
export const json = (h: ResponseToolkit, value: string | boolean) =>
  h.response(JSON.stringify(value)).type("application/json");

/**
 * GET /rest/v1/invoices and /{id}: `{id, customerId, amount: {value, currency}, status}`.
 * POST /rest/v1/invoices/pay: true when every charge was accepted; the header Pay-Run says by which run.
 */
export const invoices: ServerRoute[] = [
  ...listAndItem("/rest/v1/invoices", ({ database }, ...part) => database.invoices(...part)),
  {
    method: "POST",
    path: "/rest/v1/invoices/pay",
    // The call has no body; whatever comes is not read as one.
    options: { payload: { parse: false, maxBytes: 1024 } },
    async handler({ app: { trace, fields }, server }, h) {
      const { id, ended } = server.app.payRuns.run(trace);
      fields.run = id;
      const { accepted, due } = await ended;
      return json(h, accepted === due).header("pay-run", id);
    },
  },
];

/** GET /rest/v1/customers and /{id}: `{id, currency}`. */
export const customers = listAndItem("/rest/v1/customers", ({ database }, ...part) =>
  database.customers(...part),
);
