import { stopOnSignals } from "./drain.ts";
import { deployment } from "./server.ts";

export { handler } from "./lambda.ts";

// Whoever loads this file, as AWS Lambda does, wants the handler alone.
if (import.meta.main) {
  deployment({ start: true }).then(stopOnSignals, (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
