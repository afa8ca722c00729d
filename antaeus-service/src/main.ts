import { deployment } from "./server.ts";

/** Time for the requests under way to finish, in milliseconds: below the pod's grace period. */
const timeout = 10_000;

deployment({ start: true }).then(
  (server) => {
    // As PID 1 Node ignores these signals unless they are handled.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => server.stop({ timeout }));
    }
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
