import { styleText } from "node:util";

/** Says what is being done, does it, and says how long it took. */
export async function step<T>(
  title: string,
  body: (say: (line: string) => void) => Promise<T>,
): Promise<T> {
  const begin = performance.now();
  console.log(`${styleText("cyan", "▸")} ${title}`);
  const result = await body((line) => console.log(styleText("dim", `  ${line}`)));
  console.log(`  ${styleText("green", "✔")} ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

/** Something the user should know but need not act on now. */
export function warn(line: string): void {
  console.log(`${styleText("yellow", "!")} ${line}`);
}

/** How many failures in a row are taken for a hiccup: an API server that is busy, a connection that was reset. */
const hiccups = 10;

/**
 * Tries until there is a result, once a second. A few failures in a row are borne.
 * @param seconds after which to give up
 * @returns the result, or undefined when the time is up
 * @throws the last error, of too many in a row or when the time is up
 */
export async function waitFor<T>(
  seconds: number,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const end = performance.now() + seconds * 1000;
  let failures = 0;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined || performance.now() > end) return result;
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures > hiccups || performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/**
 * Tries once a second until it does not throw.
 * @param passes whether an error is one that passes
 * @throws the last error when the time is up, or one that does not pass
 */
export async function retry<T>(
  seconds: number,
  attempt: () => Promise<T>,
  passes = (_error: Error) => true,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end || !passes(error as Error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
