import { UserError } from "../cli/command.ts";
import { retry } from "../cli/progress.ts";

/**
 * Waits until what Antaeus has now is in its backup.
 * @param antaeus base URL of the service, such as http://localhost:30008
 * @throws UserError when it is not there after a minute
 */
export async function untilBackedUp(antaeus: string): Promise<void> {
  // Litestream sends what is new each second. What ends within the first second may have begun before.
  const due = Date.now() / 1000 + 1;
  await retry(60, async () => {
    const headers = { connection: "close" };
    const metrics = await (await fetch(`${antaeus}/metrics`, { headers })).text();
    const [, time] = /^antaeus_backup_last_success_time_seconds (.*)$/m.exec(metrics) ?? [];
    if (!(Number(time) > due))
      throw new UserError(
        "Antaeus' backup does not go on: docs/operations.md, The backup stopped.",
      );
  });
}
