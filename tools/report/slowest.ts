/**
 * The slowest tests of a run.
 * @param log what AVA printed, such as "✔ e2e › deploy › a commit reaches the pods (1m 2.5s)"; where it prints no
 *   duration a test took less than 0.1 s
 */
export function slowest(log: string, count: number): { title: string; seconds: number }[] {
  return [...log.matchAll(/^\s*[✔✘] (?:\[fail\]: )?(.+) \((?:(\d+)m ?)?(?:([\d.]+)(m?s))?\)$/gm)]
    .map(([, title = "", minutes = "0", value = "0", unit]) => ({
      title,
      seconds: Number(minutes) * 60 + Number(value) / (unit === "ms" ? 1000 : 1),
    }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, count);
}
