const marks = { yes: "✓", no: "✕", wrong: "⚠", untried: "?" };

/** What came of something, told by a mark and by its text; colour only helps. */
export interface Verdict {
  is: keyof typeof marks;
  text: string;
  /** What it is based on: shown at once where it is wrong, on demand elsewhere. */
  calls?: string[];
}

/** A cell that is Markdown already; text is made harmless. */
export type Cell = string | Verdict | { markdown: string };

/** Text that neither Markdown nor HTML takes for anything but text. */
export const plain = (text: string) =>
  text
    .trim()
    .replace(/[\\`*_[\]<>|~#&@]|:(?=\/\/)|(?<=www)\./gi, (found) => `&#${found.charCodeAt(0)};`)
    .replace(/\s*\n\s*/g, " ");

/** The first row is the head. */
export function table([head = [], ...body]: Cell[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rows = [head, ...body].map((row) => line(row.map(markdown)));
  return rows.toSpliced(1, 0, line(head.map(() => "---"))).join("\n");
}

export const said = ({ is, text }: Verdict) => `${marks[is]} ${text}`;

export function markdown(cell: Cell): string {
  if (typeof cell === "string") return plain(cell);
  if ("markdown" in cell) return cell.markdown;
  const { is, calls = [] } = cell;
  if (calls.length === 0) return `<span class="${is}">${plain(said(cell))}</span>`;
  const summary = `<summary>${plain(said(cell))}</summary>${calls.map(plain).join("<br>")}`;
  return `<details class="${is}"${is === "wrong" ? " open" : ""}>${summary}</details>`;
}
