// make image-contents: builds payment's image and lists its files, their sizes, and whose they are.
import { mkdirSync, writeFileSync } from "node:fs";
import { main, run } from "../../tools/cli/command.ts";
import { step } from "../../tools/cli/progress.ts";
import { table } from "../../tools/cli/table.ts";
import { contents, quoted } from "./image.ts";

const mb = (bytes: number) => Number((bytes / 1e6).toFixed(2));

main(async () => {
  const image = process.env.IMAGE ?? "localhost/payment:contents";
  if (process.env.IMAGE === undefined) {
    await step("Building payment's image", () =>
      run("docker", [
        "build",
        "--quiet",
        "--tag",
        image,
        "--file",
        "payment-service/Dockerfile",
        ".",
      ]),
    );
  }
  const { files, sbom } = await step("Looking into it", () => contents(image));
  const owners = (path: string) => {
    const names = sbom.components
      .filter(({ evidence }) => evidence.occurrences.some(({ location }) => location === path))
      .map(({ name, version }) => `${name} ${version}`);
    return names.length > 3 ? `${names[0]} and ${names.length - 1} more` : names.join(", ");
  };
  const total = files.reduce((sum, { compressed }) => sum + compressed, 0);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  console.log(
    `\n${table([
      ["file", "MB", "MB compressed", "of"],
      ...files.map((file) => [file.path, mb(file.size), mb(file.compressed), owners(file.path)]),
      ["in all", mb(size), mb(total), ""],
    ])}`,
  );
  const others = Object.entries(quoted).map(([name, size]) => `${name} ${size}`);
  console.log(`\n  quoted, not measured here, in MB compressed: ${others.join(", ")}`);
  mkdirSync("report", { recursive: true });
  writeFileSync("report/image.json", `${JSON.stringify({ files, sbom }, null, 1)}\n`);
  console.log("  report/image.json has the files and the software bill of materials");
});
