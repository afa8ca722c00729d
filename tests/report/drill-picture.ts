import type { Drill } from "./found.ts";
import { type Html, html } from "../../tools/pages/html.ts";

const rowHeight = 40;

/**
 * A drill's steps as bars, one after the other. All its widths are shares, so that it can be as narrow as
 * a phone while its text keeps its size.
 * @param scale how many seconds its full width is
 */
export function picture({ title, steps }: Drill, scale: number, id: string): Html {
  const share = (seconds: number) => `${((seconds / scale) * 100).toFixed(2)}%`;
  const bottom = steps.length * rowHeight;
  const told = steps.map(({ step, seconds }) => `${step}, ${seconds.toFixed(1)} s`).join("; ");
  const bars = steps.map(({ step, seconds }, index) => {
    const before = total(steps.slice(0, index));
    const top = index * rowHeight;
    return html`<text x="0" y="${top + 14}">${index + 1}. ${step}: <tspan>${seconds.toFixed(1)} s</tspan></text>
<rect class="step-${index + 1}" x="${share(before)}" y="${top + 20}" width="${share(seconds)}" height="14" rx="2"/>
`;
  });
  return html`<svg role="img" aria-labelledby="${id}-title ${id}-desc" width="100%" height="${bottom + 22}">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${told}</desc>
${ticks(scale).map(
  (
    second,
  ) => html`<line x1="${share(second)}" x2="${share(second)}" y1="0" y2="${bottom + 4}"/><text class="tick" x="${share(second)}" y="${bottom + 18}">${second} s</text>
`,
)}${bars}</svg>
`;
}

/** The seconds that all steps took together. */
export function total(steps: Drill["steps"]): number {
  return steps.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Some round seconds along the scale, none so near its end that its text would be cut off. */
function ticks(scale: number): number[] {
  const every = [1, 2, 5, 10, 20, 30, 60].find((seconds) => scale / seconds <= 6) ?? 120;
  return Array.from({ length: Math.ceil(scale / every) }, (_, index) => index * every).filter(
    (second) => second < scale * 0.94,
  );
}
