// make bump: an image that was pushed goes into its service's overlay, as a commit on main.
import { parseArgs } from "node:util";
import { bump } from "./lib/bump.ts";
import { Advice, main, run } from "./lib/command.ts";
import { servicesAt, sourceCommit } from "./lib/images.ts";

main(async () => {
  const { values } = parseArgs({
    options: {
      service: { type: "string", default: "" },
      digest: { type: "string", default: "" },
      commit: { type: "string", default: "HEAD" },
    },
  });
  const { service, digest } = values;
  const services = await servicesAt(values.commit);
  if (!services.includes(service)) {
    throw new Advice(`SERVICE must be one of ${services.join(", ")}, and is "${service}".`);
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new Advice(`DIGEST must be sha256: and 64 hexadecimal digits, and is "${digest}".`);
  }
  if ((await run("git", ["rev-parse", "--is-shallow-repository"])) === "true") {
    throw new Advice("A bump looks at the whole history: git fetch --unshallow");
  }
  const commit = await sourceCommit(service, values.commit);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  const url = server && name ? `${server}/${name}` : "";
  const outcome = await bump(".", { service, commit, digest }, { url });
  console.log(
    "commit" in outcome
      ? `▸ ${await run("git", ["show", "--no-patch", "--format=%h %s", outcome.commit])}`
      : `▸ Nothing to do for ${service}: ${outcome.skipped}.`,
  );
});
