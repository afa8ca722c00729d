// make schemathesis: asks payment what its own description allows and forbids, a few hundred times.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { main, run, UserError } from "../cli/command.ts";
import { step } from "../cli/progress.ts";

const [schemathesis = "schemathesis"] = process.argv.slice(2);

const config = ["--config-file", "tools/schemathesis/schemathesis.toml"];

/** Options of each run. */
const runs = [
  ["--phases", "examples,fuzzing,stateful", "--checks", "all", "--max-examples", "200"],
  // Here it takes the quotes of a key for JSON's and sends none, so what it holds for right is not.
  ["--phases", "coverage", "--checks", "all", "--exclude-checks", "positive_data_acceptance"],
];

main(async () => {
  const payment = spawn(process.execPath, ["payment-service/dist/main.cjs"], {
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => payment.kill("SIGKILL"));
  const url = await step("Starting payment", () => listening(payment.stdout));
  for (const options of runs) {
    const args = [...config, "run", `${url}/openapi.json`, ...options];
    await run(schemathesis, args, { show: true }).catch(() => {
      throw new UserError(
        "Payment is not as it describes itself: see above for what to try by hand.",
      );
    });
  }
  process.exit();
});

/** The URL in the log; the rest of the log is read, and left. */
function listening(log: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(log)
      .on("line", (line) => {
        const { message, url } = JSON.parse(line);
        if (message === "listening") resolve(url);
      })
      .on("close", () => reject(new Error("Payment ended before it listened")));
  });
}
