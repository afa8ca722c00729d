import type { ServerRoute } from "@hapi/hapi";
import type { Database } from "./database.ts";
import { listAndItem } from "./list-and-item.ts";

/** GET /rest/v1/customers and /{id}: `{id, currency}`. */
export const customers = (database: Database): ServerRoute[] =>
  listAndItem(
    "/rest/v1/customers",
    () => database.customers(),
    (id) => database.customer(id),
  );
