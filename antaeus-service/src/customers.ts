import { listAndItem } from "./list-and-item.ts";

/** GET /rest/v1/customers and /{id}: `{id, currency}`. */
export const customers = listAndItem(
  "/rest/v1/customers",
  ({ database }, after, limit) => database.customers(after, limit),
  ({ database }, id) => database.customer(id),
);
