import { parse, View } from "vega";
import { type Config, compile, type TopLevelSpec } from "vega-lite";

export interface Chart {
  title: string;
  /** Its width is a phone's: wider screens show several side by side. */
  spec: TopLevelSpec;
}

/** The page's own colours, so that a chart is as light or dark as the page. */
const config: Config = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    ...{ labelColor: "currentColor", titleColor: "currentColor", domainColor: "currentColor" },
    ...{ labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
    ...{ gridColor: "currentColor", gridOpacity: 0.2, tickColor: "currentColor" },
  },
  mark: { fill: "var(--accent)", stroke: "var(--accent)" },
};

/** The chart as SVG. */
export async function drawn({ spec }: Chart): Promise<string> {
  const { spec: vega } = compile(spec, { config });
  const svg = await new View(parse(vega), { renderer: "none" }).toSVG();
  // Within HTML its namespaces are known.
  return svg.replace(/ xmlns(:xlink)?="[^"]*"/g, "");
}
