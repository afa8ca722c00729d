// A registry in a folder, and the docker and the cosign that publish.yaml calls, which know no other.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { pinned } from "../../tools/cli/pinned-tools.ts";

/** The folder of the registry, for the programs that are started for a step. */
const { FAKE_REGISTRY = "" } = process.env;

const digestOf = (content: string) =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** Writes down what was done, in its order: a word and what it was done to. */
export const note = (folder: string, ...words: string[]) =>
  appendFileSync(join(folder, "log"), `${words.join(" ")}\n`);

/** @returns what was done, such as `build payment` */
export const notes = (folder: string): string[] =>
  existsSync(join(folder, "log"))
    ? readFileSync(join(folder, "log"), "utf8").trim().split("\n")
    : [];

const file = (kind: string, name: string) => join(FAKE_REGISTRY, kind, encodeURIComponent(name));

function put(kind: string, name: string, content: string): void {
  mkdirSync(join(FAKE_REGISTRY, kind), { recursive: true });
  writeFileSync(file(kind, name), content);
}

const get = (kind: string, name: string): string | undefined =>
  existsSync(file(kind, name)) ? readFileSync(file(kind, name), "utf8") : undefined;

/** One machine stands in for one of each architecture: the first folder that a service is built in is amd64's. */
function architecture(): string {
  const { SERVICE = "" } = process.env;
  const amd64 = get("amd64", SERVICE);
  if (amd64 === undefined) put("amd64", SERVICE, process.cwd());
  return (amd64 ?? process.cwd()) === process.cwd() ? "amd64" : "arm64";
}

const after = (args: string[], option: string) => args[args.indexOf(option) + 1] ?? "";

async function docker(args: string[]): Promise<string> {
  const [command = "", second] = args;
  const last = args.at(-1) ?? "";
  switch (command) {
    case "login":
      await text(process.stdin);
      return "";
    case "version":
      return architecture();
    case "build": {
      const service = basename(join(after(args, "--file"), "..")).replace(/-service$/, "");
      note(FAKE_REGISTRY, "build", service);
      if (existsSync(join(FAKE_REGISTRY, `broken-${service}`)))
        throw new Error(`${service} is broken`);
      put("built", after(args, "--tag"), after(args, "--build-arg"));
      return "";
    }
    case "push":
      put("tags", last, digestOf(`${get("built", last)} ${last}`));
      return "";
    case "image": {
      const image = args[2] ?? "";
      return JSON.stringify([`${image.replace(/:[^:/]*$/, "")}@${get("tags", image)}`]);
    }
    case "create":
      return "container";
    case "cp":
      writeFileSync(last, JSON.stringify({ bomFormat: "CycloneDX" }));
      return "";
    case "rm":
      return "";
    case "buildx":
      if (second === "imagetools") return imagetools(args.slice(2));
  }
  throw new Error(`docker ${args.join(" ")} is not known here`);
}

function imagetools([command, ...args]: string[]): string {
  if (command === "inspect") {
    const digest = get("tags", args[0] ?? "");
    if (digest === undefined) throw new Error(`${args[0]}: not found`);
    return JSON.stringify({ digest });
  }
  const images = args.filter((arg) => arg.includes("@"));
  const index = JSON.stringify(images);
  if (args.includes("--dry-run")) return index;
  const other = get("pushed-by-another", "everything");
  put("tags", after(args, "--tag"), other ?? digestOf(index));
  return "";
}

function cosign(args: string[]): string {
  const [command] = args;
  const signature = `${after(args, "--annotations")} ${args.at(-1)}`;
  if (command === "version") return `GitVersion:    v${pinned("cosign")}`;
  if (command === "attest") {
    note(FAKE_REGISTRY, "bill", args.at(-1) ?? "");
  } else if (command === "sign") {
    note(FAKE_REGISTRY, "sign", args.at(-1) ?? "");
    put("signed", signature, "");
  } else if (get("signed", signature) === undefined) throw new Error("Error: no signatures found");
  return "";
}

/** @param folder of the registry @returns lines for a shell script that stands in for docker or cosign */
export const standIn = (program: "docker" | "cosign") =>
  `exec "${process.execPath}" "${import.meta.filename}" ${program} "$@"`;

if (import.meta.main) {
  const [program, ...args] = process.argv.slice(2);
  try {
    console.log(program === "docker" ? await docker(args) : cosign(args));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
