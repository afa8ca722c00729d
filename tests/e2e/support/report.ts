import { record as keep } from "../../../tools/report/found.ts";
import { head } from "./cluster.ts";

/** Keeps what a test found of the commit under test. To be called before the assertions: wrong is found too. */
export const record: typeof keep = (name, result) => keep(name, { head, ...result });
