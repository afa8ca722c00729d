import { table } from "../../tools/pages/markdown.ts";
import { itself, network, type Source, sources, type Target, targets } from "./network.ts";
import { permissions, refused, type Who } from "./permissions.ts";

/** The document that has the tables. */
export const tablesFile = "docs/access.md";

/** The columns of the permission table. */
export const subjects: Who[] = ["own team", "another team", "platform", "no team"];

/** What the page of results needs to know of the table beside the calls that try it. */
export const permissionTable = {
  rows: permissions.map(({ action }) => action),
  columns: subjects,
  words: { yes: "allowed", no: "denied" },
  note: `Every user tried every action on every application. Denied is an answer of 403 (or 404, for the shell).
A call that is allowed may be answered with another error: it is made so that it does no harm.`,
};

export const networkTable = {
  rows: Object.values(sources),
  columns: Object.values(targets),
  words: { yes: "reached", no: "blocked" },
  note: "A refused connection has arrived, too; silence has not.",
  leftOut: Object.entries(itself).flatMap(([source, own]) =>
    own.map((target) => ({
      row: sources[source as Source],
      column: targets[target],
      why: "itself",
    })),
  ),
};

const yes = (is: boolean | undefined) => (is ? "yes" : "–");

/** Who may do what, as a table of Markdown. */
export function permissionsMarkdown(): string {
  return table([
    ["", ...subjects],
    ...permissions.map(({ action, allowed }) => [
      action,
      ...subjects.map((subject) => yes(allowed.includes(subject))),
    ]),
  ]);
}

/** What nobody may do by Argo CD's API, as a list of Markdown. */
export const refusedMarkdown = (): string => refused.map(({ action }) => `- ${action}`).join("\n");

/** Who may call what, as a table of Markdown. */
export function networkMarkdown(): string {
  const cell = (source: Source, target: Target) =>
    itself[source]?.includes(target) ? "itself" : yes(network[source].includes(target));
  return table([
    ["", ...Object.values(targets)],
    ...(Object.keys(sources) as Source[]).map((source) => [
      sources[source],
      ...(Object.keys(targets) as Target[]).map((target) => cell(source, target)),
    ]),
  ]);
}

/** Puts all tables where a text has their markers: `<!-- network -->` and `<!-- /network -->`. */
export function withTables(text: string): string {
  const tables = {
    permissions: permissionsMarkdown(),
    refused: refusedMarkdown(),
    network: networkMarkdown(),
  };
  return Object.entries(tables).reduce((before, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    return before.replace(
      new RegExp(`${begin}.*?${end}`, "s"),
      () => `${begin}\n\n${table}\n\n${end}`,
    );
  }, text);
}
