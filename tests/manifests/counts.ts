import { allowed } from "./allowed.ts";
import { tenancy } from "./tenancy.ts";

/** The documents that say how many escape attempts there are. */
export const countedIn = ["README.md", "docs/access.md"];

/** What a team might merge to reach beyond its own service. */
export const escapes = [...allowed, ...tenancy].flatMap(({ mutations }) => mutations).length;

/** Puts the number where a text has its markers: `<!-- escapes -->` and `<!-- /escapes -->`. */
export const withCounts = (text: string): string =>
  text.replace(/(<!-- escapes -->).*?(<!-- \/escapes -->)/g, `$1${escapes}$2`);
