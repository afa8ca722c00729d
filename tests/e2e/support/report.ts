import { record as keep } from "../../../tools/pages/record.ts";
import { head } from "./cluster.ts";

/** Keeps what a test found of the commit under test. To be called before the assertions: wrong is found too. */
export const record = (name: string, found: object): void => keep(name, { head, ...found });
