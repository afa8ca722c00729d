// Prometheus' text format, version 0.0.4, written as payment writes it.

export type Labels = Record<string, string>;

const escaped = (value: string) =>
  value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));

const write = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join();

const sample = (name: string, labels: string, value: number) =>
  `${name}${labels && `{${labels}}`} ${value}\n`;

/** A metric whose values are asked for when it is read. */
export function metric(
  type: "counter" | "gauge",
  name: string,
  help: string,
  ...values: [value: number, labels?: Labels][]
): string {
  const samples = values.map(([value, labels = {}]) => sample(name, write(labels), value));
  return header(type, name, help) + samples.join("");
}

const header = (type: string, name: string, help: string) =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/** Counts what happens, apart for each set of labels. */
export class Counter {
  readonly #values = new Map<string, number>();
  readonly #name: string;
  readonly #help: string;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  /** @param by 0 only makes the labels known, so that a rate starts from zero */
  add(labels: Labels, by = 1): void {
    const key = write(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  toString(): string {
    const samples = [...this.#values].map(([labels, value]) => sample(this.#name, labels, value));
    return header("counter", this.#name, this.#help) + samples.join("");
  }
}

/** Counts values by their size, apart for each set of labels. */
export class Histogram {
  readonly #series = new Map<string, { counts: number[]; sum: number }>();
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];

  /** @param bounds of the buckets, ascending, each the largest value in it */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = [...bounds, Number.POSITIVE_INFINITY];
  }

  observe(labels: Labels, value: number): void {
    const key = write(labels);
    const series = this.#series.get(key) ?? { counts: this.#bounds.map(() => 0), sum: 0 };
    this.#series.set(key, series);
    series.sum += value;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    series.counts[bucket] = (series.counts[bucket] as number) + 1;
  }

  toString(): string {
    let text = header("histogram", this.#name, this.#help);
    for (const [labels, { counts, sum }] of this.#series) {
      let count = 0;
      for (const [i, bound] of this.#bounds.entries()) {
        count += counts[i] as number;
        const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
        const both = [labels, write({ le })].filter(Boolean).join();
        text += sample(`${this.#name}_bucket`, both, count);
      }
      text += sample(`${this.#name}_sum`, labels, sum);
      text += sample(`${this.#name}_count`, labels, count);
    }
    return text;
  }
}
