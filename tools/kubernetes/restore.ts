/** Of the spec of Antaeus' pods, what is read here. */
export interface PodSpec {
  initContainers?: { name: string }[];
}

/**
 * Runs in Antaeus' image, with a moment and a new folder in the volume: what is there goes to the folder, and what was
 * restored takes its place, when it is whole and sound. Killed at any moment, it leaves the old database, the restored one,
 * or none: then the next start restores the newest backup.
 */
export const restoreProgram = `
  const { mkdirSync, readdirSync, renameSync, rmSync } = require("node:fs");
  const [, time, beside, data = "/data"] = process.argv;
  const files = (form) => readdirSync(data).filter((name) => form.test(name));
  for (const name of files(/^restored[.]db/)) rmSync(data + "/" + name);
  const options = ["-timestamp", time, "-integrity-check", "full", "-o", data + "/restored.db"];
  const { status } = require("node:child_process").spawnSync(
    "/litestream", ["restore", ...options, data + "/antaeus.db"], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
  const old = files(/^antaeus[.]db$/);
  try {
    // One file has all then.
    for (const name of old) {
      const db = new (require("node:sqlite").DatabaseSync)(data + "/" + name);
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      db.close();
    }
  } catch (error) {
    console.log("What was there is damaged, and is put beside as it is: " + error.message);
  }
  mkdirSync(beside);
  for (const name of [...old, ...files(/^[.]?antaeus[.]db./)])
    renameSync(data + "/" + name, beside + "/" + name);
  renameSync(data + "/restored.db", data + "/antaeus.db");`;

/**
 * A pod that runs it, with the volumes and the backup of Antaeus' own.
 * @returns undefined where Antaeus has no backup
 */
export function restorePod(
  { initContainers = [], ...spec }: PodSpec,
  time: string,
  beside: string,
) {
  const litestream = initContainers.find(({ name }) => name === "restore");
  if (!litestream) return undefined;
  return {
    apiVersion: "v1",
    kind: "Pod",
    // Policies let who has this label call where the backup is.
    metadata: { name: "antaeus-restore", labels: { "app.kubernetes.io/name": "antaeus" } },
    spec: {
      ...spec,
      containers: [
        { ...litestream, command: ["/node", "-e", restoreProgram], args: [time, beside] },
      ],
      restartPolicy: "Never",
      activeDeadlineSeconds: 900,
    },
  };
}
