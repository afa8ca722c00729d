import { median } from "../../tools/pages/numbers.ts";

/** What was measured of one contender, a value for each round. */
export interface Samples {
  /** Milliseconds from its start to its first 200 on /health. */
  coldStart: number[];
  /** Milliseconds of CPU time that it had until that 200. */
  startCpu: number[];
  /** Milliseconds from its start to its first answer to a charge, asked for after that. */
  firstCharge: number[];
  /** Resident memory in MiB before and after the load. */
  idle: number[];
  loaded: number[];
  /** Charges a second of the clock: what a machine does that does nothing else. */
  clockRate: number[];
  /** Charges for each second of the server's CPU time: what a whole core would do. */
  rate: number[];
  /** Share of its core that it had: well below 1, it was not the server that limited clockRate. */
  busy: number[];
  /** The time that 99 of 100 charges are answered within, in milliseconds. */
  p99: number[];
}

/** Medians. The ratios are medians of each round's ratio to the first contender. */
export type Row = { name: string } & Record<keyof Samples, number> &
  Record<
    | "coldStartRatio"
    | "startCpuRatio"
    | "idleRatio"
    | "loadedRatio"
    | "rateRatio"
    | "cpuPerMillion",
    number
  >;

/** @param measured the bare server first: the ratios are to it */
export function rows(measured: { name: string; samples: Samples }[]): Row[] {
  const bare = measured[0]?.samples;
  return measured.map(({ name, samples }) => {
    const middle = (key: keyof Samples) => median(samples[key]) ?? Number.NaN;
    const ratio = (key: keyof Samples) =>
      median(samples[key].map((value, round) => value / (bare?.[key][round] ?? Number.NaN))) ??
      Number.NaN;
    return {
      name,
      coldStart: middle("coldStart"),
      coldStartRatio: ratio("coldStart"),
      startCpu: middle("startCpu"),
      startCpuRatio: ratio("startCpu"),
      firstCharge: middle("firstCharge"),
      idle: middle("idle"),
      idleRatio: ratio("idle"),
      loaded: middle("loaded"),
      loadedRatio: ratio("loaded"),
      rate: middle("rate"),
      rateRatio: ratio("rate"),
      cpuPerMillion: 1e6 / middle("rate"),
      clockRate: middle("clockRate"),
      busy: middle("busy"),
      p99: middle("p99"),
    };
  });
}

/** What payment is to reach, and what it does. */
export function targets(result: Row[]): { target: string; is: number; met: boolean }[] {
  const find = (start: string) => {
    const row = result.find(({ name }) => name.startsWith(start));
    if (!row) throw new Error(`${start} was not measured`);
    return row;
  };
  const [payment, flask, gunicorn] = [find("payment"), find("Flask"), find("gunicorn")];
  const atMost = (target: string, is: number, bound: number) => ({
    target: `${target}, at most ${bound} × bare`,
    is: Number(is.toFixed(2)),
    met: is <= bound,
  });
  const atLeast = (target: string, is: number, bound: number) => ({
    target: `${target}, at least × ${bound}`,
    is: Number(is.toFixed(2)),
    met: is >= bound,
  });
  return [
    atMost("cold start", payment.coldStartRatio, 1.4),
    atMost("cold start's CPU time", payment.startCpuRatio, 1.4),
    atMost("idle memory", payment.idleRatio, 1.2),
    atMost("memory after load", payment.loadedRatio, 1.5),
    atLeast("charges per core against Flask's development server", payment.rate / flask.rate, 8),
    atLeast("charges per core against gunicorn and Flask", payment.rate / gunicorn.rate, 1),
  ];
}
