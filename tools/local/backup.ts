import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { run } from "../cli/command.ts";
import { cluster } from "../kubernetes/cluster.ts";

/** Where a local cluster's backup is on this machine, as clusters/local/kind.yaml says, and what Litestream puts there. */
export const backup = ".backup/now";
const isBackup = (folder: string) => existsSync(`${folder}/ltx`);

/**
 * Makes the folder for a cluster that is about to be made.
 * @param keep have Antaeus start from the backup that is there
 * @returns where the backup of an earlier cluster is now, if there was one and it is not kept
 */
export function backupFolder(keep: boolean): string | undefined {
  const aside = isBackup(backup) && !keep ? asideOf(statSync(`${backup}/ltx`).mtime) : undefined;
  if (aside) renameSync(backup, aside);
  mkdirSync(backup, { recursive: true });
  return aside;
}

const asideOf = (time: Date) => `.backup/${time.toISOString().slice(0, 19).replaceAll(":", "-")}`;

/** What there is to know about the backup of a cluster that is gone; nothing where there is none. */
export const backupLeft = (): string =>
  isBackup(backup)
    ? `The backup of its invoices is left in ${backup}: make up RESTORE=1 starts from it, and rm -r .backup removes it, with sudo where its files are another user's.`
    : "";

/** Lets Antaeus write there, whoever it is on this machine: also in a cluster of before there was such a folder. */
export async function openBackup(): Promise<void> {
  const make = "mkdir -p /backup && chmod 777 /backup";
  await run("docker", ["exec", `${cluster}-control-plane`, "sh", "-c", make]);
}
