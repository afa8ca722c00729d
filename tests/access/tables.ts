import { kinds, kustomization } from "../../tools/guard/allowed.ts";
import { type Fields, isList, isValue, type Shape, type Value } from "../../tools/guard/values.ts";
import { table } from "../../tools/pages/markdown.ts";
import type { Declared } from "../support/results.ts";
import { itself, network, type Source, sources, type Target, targets } from "./network.ts";
import { permissions, refused, type Who } from "./permissions.ts";

/** The document that has the tables. */
export const tablesFile = "docs/access.md";

/** The columns of the permission table. */
export const subjects: Who[] = ["own team", "another team", "platform", "no team"];

/** What the page of results needs to know of the table beside the calls that try it. */
export const permissionTable: Declared = {
  rows: permissions.map(({ action }) => action),
  columns: subjects,
  words: { yes: "allowed", no: "denied" },
  note: `Every user tried every action on every application. Denied is an answer of 403 (or 404, for the shell).
A call that is allowed may be answered with another error: it is made so that it does no harm.`,
};

export const networkTable: Declared = {
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

/** What a team may merge, as a table of Markdown: a row for the fields of each object, wherever there is such a one. */
export function allowedMarkdown(): string {
  const found = new Map<Fields, string[]>();
  const visit = (shape: Shape, path: string): void => {
    if (isList(shape)) visit(shape[0], `${path}[]`);
    else if (!isValue(shape)) {
      const where = path.replace(
        /^(AnalysisTemplate|CronJob|Deployment|Rollout)\.spec\.([\w.[\]]+\.)?template\.spec/,
        "pod",
      );
      found.set(shape, [...(found.get(shape) ?? []), `\`${where}\``]);
      for (const [name, inner] of Object.entries(shape)) visit(inner, `${path}.${bare(name)}`);
    }
  };
  const subjects: Record<string, Shape> = { "kustomization.yaml": kustomization, ...kinds };
  for (const [name, shape] of Object.entries(subjects)) visit(shape, name);
  const rows = [...found].map(([shape, paths]) => [
    [...new Set(paths)].join(", "),
    valuesOf(shape).join("; "),
  ]);
  const all = [["where", "what may stand there"], ...rows.filter(([, values]) => values)];
  return table(all.map((row) => row.map((cell) => ({ markdown: cell }))));
}

const bare = (name: string) => name.replace("!", "");

/** The fields that are values, or lists of such. */
function valuesOf(shape: Fields): string[] {
  return Object.entries(shape).flatMap(([name, inner]) => {
    const isMany = isList(inner);
    const value = isMany ? inner[0] : inner;
    if (!isValue(value)) return [];
    return `\`${bare(name)}${isMany ? "[]" : ""}\`${name.endsWith("!") ? " (required)" : ""}: ${(value as Value).says}`;
  });
}

/** Puts the tables where a text has their markers: `<!-- network -->` and `<!-- /network -->`. */
export function withTables(text: string): string {
  const tables = {
    allowed: allowedMarkdown(),
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
