import { startupSnapshot } from "node:v8";
import { stopOnSignals } from "./drain.ts";
import { rehearse } from "./rehearsal.ts";
import { createServer, deployment } from "./server.ts";

export { handler } from "./lambda.ts";

function main(server = createServer()) {
  deployment({ server, start: true, env: process.env }).then(stopOnSignals, (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

// `node --build-snapshot` keeps a server that is ready but for what `main` tells it in each process.
/* c8 ignore start -- snapshot.test.ts runs it from the bundle */
if (startupSnapshot.isBuildingSnapshot()) {
  const server = createServer();
  startupSnapshot.setDeserializeMainFunction(() => main(server));
  rehearse();
}
/* c8 ignore stop */
// Whoever loads this file, as AWS Lambda does, wants the handler alone.
else if (import.meta.main) main();
