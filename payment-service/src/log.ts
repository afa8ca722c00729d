/** Writes one line: what happened, and what belongs to it. No personal data. */
export type Log = (message: string, fields?: object) => void;

/** @param write takes each line: a JSON object with `time`, `level`, `message` and the fields */
export function jsonLog(write: (line: string) => void): Log {
  return (message, fields) =>
    write(JSON.stringify({ time: new Date().toISOString(), level: "info", message, ...fields }));
}
