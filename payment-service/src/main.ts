import { stopOnSignals } from "./drain.ts";
import { deployment } from "./server.ts";

deployment({ start: true }).then(stopOnSignals, (error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
