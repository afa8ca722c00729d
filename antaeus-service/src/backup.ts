import { request } from "node:http";
import { json } from "node:stream/consumers";
import { Gauge, type Registry } from "service-kit/metrics";

/**
 * Adds when all of the database was in its backup. While Litestream says nothing it is what it said last, and grows older.
 * @param socket where Litestream answers
 */
export function addBackupMetric(registry: Registry, socket: string): void {
  new Gauge({
    name: "antaeus_backup_last_success_time_seconds",
    help: "When all of the database was in its backup, since 1970; 0 where that is not known.",
    registers: [registry],
    async collect() {
      const time = await lastSync(socket);
      if (time !== undefined) this.set(time);
    },
  });
}

/** @returns the time, in seconds; undefined where Litestream does not answer, or has not backed anything up */
async function lastSync(socketPath: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const signal = AbortSignal.timeout(1000);
  request({ socketPath, path: "/list", signal }, (answer) => json(answer).then(resolve, reject))
    .on("error", reject)
    .end();
  const list = (await promise.catch(() => ({}))) as { databases?: { last_sync_at?: string }[] };
  const time = list.databases?.[0]?.last_sync_at;
  return time === undefined ? undefined : Date.parse(time) / 1000;
}
