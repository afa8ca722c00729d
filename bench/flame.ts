/** A V8 CPU profile, as far as it is read here. */
export interface Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string };
    children?: number[];
  }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

interface Frame {
  name: string;
  url: string;
  microseconds: number;
  children: Frame[];
}

const [width, rowHeight, textWidth] = [1200, 17, 6.2];
const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** Draws a profile as SVG: callers below, what they call above; a width is a share of the time. */
export function flameGraph({ nodes, samples, timeDeltas }: Profile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    self.set(id, (self.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0));
  }
  const frame = (id: number): Frame => {
    const { callFrame, children = [] } = byId.get(id) ?? {
      callFrame: { functionName: "?", url: "" },
    };
    const inner = children.map(frame).filter(({ name }) => name !== "(idle)");
    return {
      name: callFrame.functionName || "(anonymous)",
      url: callFrame.url,
      microseconds: inner.reduce((sum, { microseconds }) => sum + microseconds, self.get(id) ?? 0),
      children: inner,
    };
  };
  const root = frame(nodes[0]?.id ?? 0);

  const boxes: { frame: Frame; x: number; depth: number }[] = [];
  const place = (placed: Frame, x: number, depth: number) => {
    if ((placed.microseconds / root.microseconds) * width < 0.5) return;
    boxes.push({ frame: placed, x, depth });
    let left = x;
    for (const child of placed.children.toSorted((a, b) => b.microseconds - a.microseconds)) {
      place(child, left, depth + 1);
      left += (child.microseconds / root.microseconds) * width;
    }
  };
  place(root, 0, 0);

  const height = (Math.max(...boxes.map(({ depth }) => depth)) + 1) * rowHeight;
  const drawn = boxes.map(({ frame: { name, url, microseconds }, x, depth }) => {
    const share = microseconds / root.microseconds;
    const room = Math.floor((share * width - 4) / textWidth);
    const y = height - (depth + 1) * rowHeight;
    // Node's own code, the garbage collector and the like, and the bundle.
    const fill = url.startsWith("node:") ? "#9ecae1" : url ? "#fdae6b" : "#bdbdbd";
    const label =
      room < 3
        ? ""
        : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(name.slice(0, room))}</text>`;
    return `<g><title>${escaped(name)} ${escaped(url)}: ${(share * 100).toFixed(1)} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${(share * width).toFixed(1)}" height="${rowHeight - 1}" fill="${fill}"/>${label}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="10">
<title>Where payment's time goes under load</title>
${drawn.join("\n")}
</svg>
`;
}
