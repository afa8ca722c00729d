/** The anchors that GitHub gives to the headings of a document. */
export const anchors = (text: string): string[] =>
  [...text.replace(/^ *```.*?^ *```$/gms, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
