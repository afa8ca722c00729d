import { stripVTControlCharacters } from "node:util";

/** A table with aligned columns; numbers stand right. The first row is the head. */
export function table(rows: (string | number)[][]): string {
  const width = (cell: unknown) => stripVTControlCharacters(String(cell)).length;
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => width(row[column] ?? ""))),
  );
  const rightAligned = rows[0]?.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number"),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const padding = " ".repeat((widths?.[column] ?? 0) - width(cell));
          return rightAligned?.[column] ? padding + cell : cell + padding;
        })
        .join("   ")
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join("\n");
}
