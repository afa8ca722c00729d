/** The middle of the values, or between the two in the middle; undefined of none. */
export function median(values: number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** Such as "1 deployment" and "1,234 deployments". */
export const counted = (of: number, one: string, many = `${one}s`) =>
  `${of.toLocaleString("en")} ${of === 1 ? one : many}`;

export const minute = (date: Date) => `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** The largest unit of which there are at least two. */
export function unit(seconds: number): { seconds: number; name: string } {
  const units = [
    { seconds: 86_400, name: "days" },
    { seconds: 3600, name: "h" },
    { seconds: 60, name: "min" },
  ];
  return units.find((unit) => seconds >= 2 * unit.seconds) ?? { seconds: 1, name: "s" };
}

/** A number of seconds for people, such as "4 min" or "2.5 days". */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return "–";
  const { seconds: one, name } = unit(seconds);
  const value = seconds / one;
  return `${value < 10 && one > 1 ? Number(value.toFixed(1)) : Math.round(value)} ${name}`;
}
