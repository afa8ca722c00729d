import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { marked } from "marked";
import { type Chart, drawn } from "./chart.ts";
import { plain } from "./markdown.ts";

/** Markdown, and the charts between it. */
export type Blocks = (string | Chart)[];

export interface Page {
  title: string;
  blocks: Blocks;
}

const css = ["simpledotcss/simple.min.css", "./page.css"]
  .map((file) => readFileSync(new URL(import.meta.resolve(file)), "utf8"))
  .join("\n");

/** Writes the page, and adds its Markdown to the summary of the job if this runs in GitHub Actions. */
export async function write(file: string, page: Page): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await asHtml(page));
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary) appendFileSync(summary, asMarkdown(page));
}

export function asMarkdown({ title, blocks }: Page): string {
  const texts = blocks.filter((block) => typeof block === "string");
  return `${[`# ${title}`, ...texts].join("\n\n")}\n`;
}

/** One file that needs no other. */
export async function asHtml({ title, blocks }: Page): Promise<string> {
  const shown = blocks.map(async (block) =>
    typeof block === "string"
      ? marked.parse(block)
      : `<figure><figcaption>${plain(block.title)}</figcaption>${await drawn(block)}</figure>\n`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${css}</style>
</head>
<body>
<header><h1>${title}</h1></header>
<main>
${(await Promise.all(shown)).join("")}</main>
</body>
</html>
`;
}
