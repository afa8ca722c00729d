// make image-contents: builds payment's image and lists its files, their sizes, and whose they are.
import { mkdirSync, writeFileSync } from "node:fs";
import { main, run } from "../../tools/cli/command.ts";
import { step } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";
import { contents } from "./image.ts";

/** Other ways to ship Node 24, with figures from elsewhere. */
const others = "node:24-alpine 55.8, a distroless copy 62, node:24-trixie-slim 81";

main(async () => {
  const { IMAGE: image = "localhost/payment:contents" } = process.env;
  const build = ["build", "--quiet", "--tag", image, "--file", "payment-service/Dockerfile", "."];
  if (!process.env.IMAGE) await step("Building payment's image", () => run("docker", build));
  const { files, sbom } = await step("Looking into it", () => contents(image));
  const owners = (path: string) => {
    const names = sbom.components
      .filter(({ evidence }) => evidence.occurrences.some(({ location }) => location === path))
      .map(({ name, version }) => `${name} ${version}`);
    return names.length > 3 ? `${names[0]} and ${names.length - 1} more` : names.join(", ");
  };
  const mb = (bytes: number) => Number((bytes / 1e6).toFixed(2));
  const sum = (of: "size" | "compressed") => mb(files.reduce((total, file) => total + file[of], 0));
  const rows = [
    ["file", "MB", "MB compressed", "of"],
    ...files.map((file) => [file.path, mb(file.size), mb(file.compressed), owners(file.path)]),
    ["in all", sum("size"), sum("compressed"), ""],
  ];
  console.log(`\n${table(rows)}\n\n  quoted, not measured here, in MB compressed: ${others}`);
  mkdirSync("report", { recursive: true });
  writeFileSync("report/image.json", `${JSON.stringify({ files, sbom }, null, 1)}\n`);
  console.log("  report/image.json has the files and the software bill of materials");
});
