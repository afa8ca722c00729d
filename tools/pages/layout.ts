import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { marked } from "marked";

const css = ["simpledotcss/simple.min.css", "./page.css"]
  .map((file) => readFileSync(new URL(import.meta.resolve(file)), "utf8"))
  .join("\n");

/** Writes a page, and adds its text to the summary of the job if this runs in GitHub Actions. */
export function write(file: string, page: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, asHtml(page));
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (summary) appendFileSync(summary, asText(page));
}

/** The page without its charts, which GitHub does not show. */
export const asText = (page: string) => `${page.replace(/<svg.*?<\/svg>/gs, "")}\n`;

/**
 * One file that needs no other.
 * @param page Markdown that begins with its title, with charts in it
 */
export const asHtml = (page: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${/^# (.+)/.exec(page)?.[1]}</title>
<style>
${css}</style>
</head>
<body>
<main>
${marked.parse(page)}</main>
</body>
</html>
`;
