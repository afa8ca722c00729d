// make schemathesis: asks payment what its own description allows and forbids, a few hundred times.
import { isMissing, main, run, UserError } from "../cli/command.ts";
import { step } from "../cli/progress.ts";
import { startService } from "../local/service.ts";

const [schemathesis = "schemathesis"] = process.argv.slice(2);

const config = ["--config-file", "tools/schemathesis/schemathesis.toml"];

/** Options of each run. */
const runs = [
  ["--phases", "examples,fuzzing,stateful", "--checks", "all", "--max-examples", "200"],
  // Here it takes the quotes of a key for JSON's and sends none, so what it holds for right is not.
  ["--phases", "coverage", "--checks", "all", "--exclude-checks", "positive_data_acceptance"],
];

main(async () => {
  const url = await step("Starting payment", () =>
    startService("payment-service", { CALLER: "anybody" }),
  );
  for (const options of runs) {
    const args = [...config, "run", `${url}/openapi.json`, ...options];
    await run(schemathesis, args, { show: true }).catch((error) => {
      throw new UserError(
        isMissing(error)
          ? "Schemathesis is not whole: rm -r .tools/schemathesis, and make schemathesis brings it again."
          : "Payment is not as it describes itself: see above for what to try by hand.",
      );
    });
  }
  process.exit();
});
