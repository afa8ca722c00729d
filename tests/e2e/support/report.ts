import { type Found, type Given, record as keep } from "../../../tools/report/found.ts";
import { head } from "./cluster.ts";

/** Keeps what a test found of the commit under test. To be called before the assertions: wrong is found too. */
export const record = <Name extends keyof Found>(
  name: Name,
  found: Omit<Given<Name>, "head">,
): void => keep(name, { head, ...found } as unknown as Given<Name>);
