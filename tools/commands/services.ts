// make services: what publish.yaml builds. Git answers, and nothing of the services runs.
import { appendFileSync } from "node:fs";
import { main } from "../cli/command.ts";
import { servicesAt } from "../images/images.ts";

main(async () => {
  const services = JSON.stringify(await servicesAt("HEAD"));
  console.log(services);
  const { GITHUB_OUTPUT } = process.env;
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, `services=${services}\n`);
});
