import type { ServerRoute } from "@hapi/hapi";
import Joi from "joi";
import { json } from "./json.ts";

const params = Joi.object({ id: Joi.number().integer().positive() });

/** GET path: the whole list. GET path/{id}: one item, or 404 "not found". */
export function listAndItem(
  path: string,
  list: () => object[],
  item: (id: number) => object | undefined,
): ServerRoute[] {
  return [
    { method: "GET", path, handler: list },
    {
      method: "GET",
      path: `${path}/{id}`,
      options: { validate: { params } },
      handler: (request, h) => item(request.params.id as number) ?? json(h, "not found").code(404),
    },
  ];
}
