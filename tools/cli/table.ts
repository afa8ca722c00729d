import { stripVTControlCharacters, styleText } from "node:util";

/** A table with aligned columns; numbers stand right. The first row is the head. */
export function table([head = [], ...body]: (string | number)[][]): string {
  const rows = [head.map((cell) => styleText("bold", `${cell}`)), ...body];
  const columns = head.map((_, column) => {
    const cells = rows.map((row) => `${row[column] ?? ""}`);
    const widths = cells.map((cell) => stripVTControlCharacters(cell).length);
    const isNumber = body.every((row) => typeof row[column] === "number");
    return cells.map((cell, row) => {
      const padding = " ".repeat(Math.max(...widths) - (widths[row] ?? 0));
      return isNumber ? padding + cell : cell + padding;
    });
  });
  const line = (row: number) => `  ${columns.map((cells) => cells[row]).join("   ")}`.trimEnd();
  return rows.map((_, row) => line(row)).join("\n");
}
