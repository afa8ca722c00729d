/** A cell that is Markdown already; text is made harmless. */
export type Cell = string | { markdown: string };

/** Text that neither Markdown nor HTML takes for anything but text. */
export const plain = (text: string) =>
  text
    .trim()
    .replace(/[\\`*_[\]<>|~#&@]|:(?=\/\/)|(?<=www)\./gi, (found) => `&#${found.charCodeAt(0)};`)
    .replace(/\s*\n\s*/g, " ");

/** The first row is the head. */
export function table([head = [], ...body]: Cell[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const text = (cell: Cell) => (typeof cell === "string" ? plain(cell) : cell.markdown);
  const rows = [head, ...body].map((row) => line(row.map(text)));
  return rows.toSpliced(1, 0, line(head.map(() => "---"))).join("\n");
}

const marks = { yes: "✓", no: "✕", wrong: "⚠" };

/**
 * Told by a mark and by its text; colour only helps.
 * @param calls what it is based on: shown at once where it is wrong, on demand elsewhere
 */
export function verdict(kind: keyof typeof marks, text: string, calls: string[] = []) {
  const said = `${marks[kind]} ${plain(text)}`;
  const open = kind === "wrong" ? " open" : "";
  const details = `<summary>${said}</summary>${calls.map(plain).join("<br>")}</details>`;
  return {
    text: `${marks[kind]} ${text}`,
    markdown: calls.length
      ? `<details class="${kind}"${open}>${details}`
      : `<span class="${kind}">${said}</span>`,
  };
}
