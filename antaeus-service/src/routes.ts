import type { ServerRoute } from "@hapi/hapi";
import { listAndItem } from "./list-and-item.ts";

/**
 * GET /rest/v1/invoices and /{id}: `{id, customerId, amount: {value, currency}, status}`.
 * POST /rest/v1/invoices/pay: true when every charge was accepted.
 */
export const invoices: ServerRoute[] = [
  ...listAndItem(
    "/rest/v1/invoices",
    ({ database }, after, limit) => database.invoices(after, limit),
    ({ database }, id) => database.invoice(id),
  ),
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
export const customers = listAndItem(
  "/rest/v1/customers",
  ({ database }, after, limit) => database.customers(after, limit),
  ({ database }, id) => database.customer(id),
);
