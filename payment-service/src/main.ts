import { startupSnapshot } from "node:v8";
import type { Server } from "@hapi/hapi";
import { runUntilSignal } from "service-kit/lifecycle";
import { warmUp, warmUpEnv } from "../snapshot/warmup.ts";
import { probe } from "./probe.ts";
import { createApp, startServer } from "./server.ts";

export { handler } from "./lambda.ts";

const main = async (server?: Server) => {
  // After the script's path, which a process from a snapshot has not.
  const at = process.argv.indexOf("probe");
  const [url = ""] = process.argv.slice(at + 1);
  if (at > 0) process.exitCode = await probe(url);
  else await runUntilSignal(startServer({ server, start: true, env: process.env }));
};

// `node --build-snapshot` keeps a server that is ready but for what `main` tells it in each process.
/* c8 ignore start -- snapshot.test.ts runs it from the bundle */
if (startupSnapshot.isBuildingSnapshot()) {
  const server = createApp();
  startupSnapshot.setDeserializeMainFunction(() => main(server));
  startServer({ env: warmUpEnv, log: () => {} }).then(warmUp);
}
/* c8 ignore stop */
// Whoever loads this file, as AWS Lambda does, wants the handler alone.
else if (import.meta.main) main();
