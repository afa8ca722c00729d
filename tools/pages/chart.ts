import { parse, View } from "vega";
import { type Config, compile, type TopLevelSpec } from "vega-lite";

/** A phone's width: wider screens show several side by side. The page's own colours, so that it is as light or dark. */
const config: Config = {
  background: "transparent",
  font: "system-ui, sans-serif",
  title: { color: "currentColor", fontSize: 12, fontWeight: "normal" },
  view: { stroke: null, continuousWidth: 300, continuousHeight: 140 },
  axis: {
    ...{ labelColor: "currentColor", titleColor: "currentColor", domainColor: "currentColor" },
    ...{ labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", title: null },
    ...{ gridColor: "currentColor", gridOpacity: 0.2, tickColor: "currentColor" },
  },
  mark: { fill: "var(--accent)", stroke: "var(--accent)" },
};

/** @param text Markdown below the chart, which stands alone where there are no pictures */
export async function chart(spec: TopLevelSpec, text = ""): Promise<string> {
  const { spec: vega } = compile(spec, { config });
  const svg = await new View(parse(vega), { renderer: "none" }).toSVG();
  // Within HTML its namespaces are known.
  return `<figure>${svg.replace(/ xmlns(:xlink)?="[^"]*"/g, "")}\n\n${text}\n\n</figure>`;
}
