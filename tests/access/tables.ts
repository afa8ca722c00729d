import { itself, network, type Source, sources, type Target, targets } from "./network.ts";
import { permissions, type Who } from "./permissions.ts";

/** The document that has both tables. */
export const tablesFile = "docs/access.md";

/** The columns of the permission table. */
export const subjects: Who[] = ["own team", "another team", "platform", "no team"];

const yes = (is: boolean | undefined) => (is ? "yes" : "–");

function markdown(rows: string[][]): string {
  const [head = [], ...body] = rows;
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** Who may do what, as a table of Markdown. */
export function permissionsMarkdown(): string {
  return markdown([
    ["", ...subjects],
    ...permissions.map(({ action, allowed }) => [
      action,
      ...subjects.map((subject) => yes(allowed.includes(subject))),
    ]),
  ]);
}

/** Who may call what, as a table of Markdown. */
export function networkMarkdown(): string {
  const cell = (source: Source, target: Target) =>
    itself[source]?.includes(target) ? "itself" : yes(network[source].includes(target));
  return markdown([
    ["", ...Object.values(targets)],
    ...(Object.keys(sources) as Source[]).map((source) => [
      sources[source],
      ...(Object.keys(targets) as Target[]).map((target) => cell(source, target)),
    ]),
  ]);
}

/** Puts both tables where a text has their markers: `<!-- network -->` and `<!-- /network -->`. */
export function withTables(text: string): string {
  const tables = { permissions: permissionsMarkdown(), network: networkMarkdown() };
  return Object.entries(tables).reduce((before, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    return before.replace(
      new RegExp(`${begin}.*?${end}`, "s"),
      () => `${begin}\n\n${table}\n\n${end}`,
    );
  }, text);
}
