import type { ResponseToolkit, ServerApplicationState, ServerRoute } from "@hapi/hapi";
import Joi from "joi";

const id = Joi.number().integer().positive();
const params = Joi.object({ id });

/** Which part of a list to answer; what else is asked for is ignored. */
const query = Joi.object({ limit: id.max(1000), after: id }).unknown();

/**
 * GET path: the list by id, whole, or with `?limit=` and `?after=` a part of it: so many items, those
 * after this id. A header `Link` (RFC 8288) leads to the next part, if there is one.
 * GET path/{id}: one item, or 404 "not found".
 * @param list gives those after an id, so many at most, both optional
 */
function listAndItem(
  path: string,
  list: (app: ServerApplicationState, after?: number, limit?: number) => { id: number }[],
): ServerRoute[] {
  return [
    {
      method: "GET",
      path,
      options: { validate: { query } },
      handler({ query, server }, h) {
        const { after, limit } = query as { after?: number; limit?: number };
        const found = list(server.app, after, limit && limit + 1);
        const items = found.slice(0, limit);
        const response = h.response(items);
        if (found.length === items.length) return response;
        return response.header(
          "link",
          `<${path}?limit=${limit}&after=${items.at(-1)?.id}>; rel="next"`,
        );
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

/** Answers a JSON string; a bare string hapi would send as HTML. */
export const json = (h: ResponseToolkit, value: string) =>
  h.response(JSON.stringify(value)).type("application/json");

/**
 * GET /rest/v1/invoices and /{id}: `{id, customerId, amount: {value, currency}, status}`.
 * POST /rest/v1/invoices/pay: true when every charge was accepted.
 */
export const invoices: ServerRoute[] = [
  ...listAndItem("/rest/v1/invoices", ({ database }, ...part) => database.invoices(...part)),
  {
    method: "POST",
    path: "/rest/v1/invoices/pay",
    // The call has no body; whatever comes is not read as one.
    options: { payload: { parse: false, maxBytes: 1024 } },
    async handler({ app: { trace }, server }) {
      const { accepted, due } = await server.app.payRuns.run(trace);
      return accepted === due;
    },
  },
];

/** GET /rest/v1/customers and /{id}: `{id, currency}`. */
export const customers = listAndItem("/rest/v1/customers", ({ database }, ...part) =>
  database.customers(...part),
);
