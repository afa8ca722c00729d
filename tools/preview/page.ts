import { createPatch, OMIT_HEADERS } from "diff";
import { stringify } from "yaml";
import { plain as escaped, table } from "../pages/markdown.ts";
import { counted } from "../pages/numbers.ts";
import type { Manifest } from "../render/manifests.ts";
import { type Change, fate, restart, risks, subject } from "./changes.ts";
import { dangers } from "./dangers.ts";
import type { Part } from "./parts.ts";
import { hide } from "./redact.ts";

/** How many lines a list has before the rest is only counted. */
const longest = 25;

/**
 * What a pull request changes on the clusters, as Markdown: the risks first, then the differences.
 * @param commits the two that are compared, such as ["1a2b3c4", "5d6e7f8"]
 * @param reviewers who must approve the change, as CODEOWNERS says
 * @param limit of its length, in bytes; differences that do not fit are left out, and it says so
 */
export function page(
  parts: Part[],
  commits: [base: string, head: string],
  reviewers: string[],
  limit: number,
): string {
  const touched = parts.filter(({ changes, error }) => changes.length > 0 || error !== undefined);
  const said = parts.filter(
    (part) =>
      touched.includes(part) || part.notes.some((note) => /^The Application|before,/.test(note)),
  );
  const top = [
    "## What the cluster would get",
    ...failures(parts),
    said.length === 0 ? "Nothing changes on any cluster." : overview(said),
    ...lists(touched),
    `Rendered from ${code(commits[0])} and ${code(commits[1])}.${
      reviewers.length > 0 ? ` To be approved by ${reviewers.map(code).join(", ")}.` : ""
    } \`make preview\` shows the same.`,
  ].join("\n\n");

  const rest = (count: number) =>
    `\n\n${count} of ${touched.length} differences are left out: there is no room for them here. The workflow's summary, and \`make preview\`, have them all.`;
  const bound = limit - Buffer.byteLength(rest(touched.length));
  let text = cut(top, bound);
  let omitted = 0;
  for (const part of touched) {
    const more = differences(part);
    if (Buffer.byteLength(text + more) > bound) omitted += 1;
    else text += more;
  }
  return omitted > 0 ? text + rest(omitted) : text;
}

/**
 * Why nothing of a commit is shown, as Markdown.
 * @param found a sentence for each thing that is refused
 * @param limit of its length, in bytes
 */
export const refusal = (found: string[], commit: string, limit: number): string =>
  cut(
    [
      "## What the cluster would get",
      `> [!CAUTION]\n> **Nothing of ${code(commit)} is rendered: it has what is not allowed.**`,
      found.map((sentence) => `- ${plain(sentence, 600)}`).join("\n"),
    ].join("\n\n"),
    limit,
  );

const failures = (parts: Part[]): string[] =>
  parts
    .filter(({ error }) => error !== undefined)
    .map(
      ({ name }) =>
        `> [!CAUTION]\n> **${plain(name)} does not render.** Argo CD would leave as it is what runs now.`,
    );

function overview(parts: Part[]): string {
  const rows = parts.map(({ name, owners, changes, error, notes }) => {
    const count = (is: (change: Change) => unknown) =>
      error === undefined ? String(changes.filter(is).length || "–") : "?";
    return [
      plain(name),
      owners.map(code).join(", "),
      count(({ before }) => !before),
      count(({ before, after }) => before && after),
      count(({ after }) => !after),
      count(restart),
      notes.map((note) => plain(note)).join(" "),
    ].map((markdown) => ({ markdown }));
  });
  return table([["", "owner", "created", "changed", "deleted", "restarted", ""], ...rows]);
}

/** The risks, the worst first. */
function lists(parts: Part[]): string[] {
  const verb = ({ before, after }: Change) =>
    before ? (after ? "changed" : "deleted") : "created";
  /** @param of what there is to say of a change: nothing where it does not belong here */
  const list = (heading: string, of: (change: Change, part: Part) => string[]): string[] => {
    const lines = parts.flatMap((part) =>
      part.changes.flatMap((change) => {
        const said = of(change, part);
        const text = said.filter(Boolean).join(", ");
        const head = `- ${code(title(subject(change)))} (${plain(part.name)})`;
        return said.length > 0 ? `${head}${text && `: ${plain(text)}`}` : [];
      }),
    );
    if (lines.length === 0) return [];
    const more = lines.length > longest ? [`- and ${lines.length - longest} more`] : [];
    return [[`**${heading}**`, "", ...lines.slice(0, longest), ...more].join("\n")];
  };
  return [
    ...list("Fails, or loses data", (change, { application }) => dangers(change, application)),
    ...list("Deleted", ({ before, after }, { application }) =>
      before && !after ? [fate(before, application)] : [],
    ),
    ...list("Permissions, network, or the whole cluster", (change) => {
      const found = risks(change);
      return found.length > 0 ? [`${verb(change)}; ${found.join(", ")}`] : [];
    }),
    ...list("Restarted", (change) => restart(change) ?? []),
    ...list("Created, besides", (change) =>
      change.before || risks(change).length > 0 ? [] : [""],
    ),
  ];
}

function differences({ name, changes, error }: Part): string {
  const text = visible(error ?? changes.map(difference).join("\n"));
  const runs = [...text.matchAll(/`+/g)].map(([run]) => run.length + 1);
  const fence = "`".repeat(Math.max(3, ...runs));
  const [what, language] =
    error === undefined ? [counted(changes.length, "object"), "diff"] : ["error", ""];
  return `\n\n<details><summary>${plain(name)}: ${what}</summary>\n\n${fence}${language}\n${text}\n${fence}\n\n</details>`;
}

function difference(change: Change): string {
  const [before, after] = [yaml(change.before), yaml(change.after)];
  const headerOptions = OMIT_HEADERS;
  const hunks = createPatch("", before, after, "", "", { context: 3, headerOptions });
  return `# ${title(subject(change))}\n${hunks.replace(/\n$/, "")}`;
}

const yaml = (manifest: Manifest | undefined): string =>
  manifest ? stringify(hide(manifest), { lineWidth: 0 }) : "";

const title = ({ kind, metadata: { namespace, name } }: Manifest): string =>
  `${kind} ${namespace ? `${namespace}/` : ""}${name}`;

/** Shows what else would show nothing, or turn text around. */
const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    ["\n", "\t"].includes(character) ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );

/** Names come from whoever wrote the change: in a code span they make no links, mentions or HTML. */
const code = (text: string): string =>
  `\`${short(text).replaceAll("`", "'").replaceAll("|", "/")}\``;

const plain = (text: string, longest?: number) => escaped(short(text, longest));

const short = (text: string, longest = 200): string => {
  const line = visible(text).replace(/\s+/g, " ");
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
};

/** At most so many bytes of a text, in whole lines. */
function cut(text: string, limit: number): string {
  if (Buffer.byteLength(text) <= limit) return text;
  const end = "\n\nThe rest is left out: there is no room for it here.";
  const lines = Buffer.from(text)
    .subarray(0, limit - end.length)
    .toString();
  return lines.slice(0, lines.lastIndexOf("\n")) + end;
}
