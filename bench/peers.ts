import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { run } from "../scripts/lib/command.ts";

/** Where the peers are installed: a scratch folder, never among our dependencies. */
export const folder = resolve(".tools/bench");
const bin = join(folder, "python/bin");
const node = process.execPath;
const payment = resolve("payment-service/dist");
const peer = (file: string) => resolve("bench/peers", file);

const versions = { fastify: "5.12.8", flask: "3.1.3", gunicorn: "27.0.1" };

/** Installs what is not there yet. */
export async function install(): Promise<void> {
  if (!existsSync(join(folder, "node_modules/fastify"))) {
    await run("npm", [
      "install",
      "--no-save",
      "--silent",
      "--prefix",
      folder,
      `fastify@${versions.fastify}`,
    ]);
  }
  if (!existsSync(join(bin, "gunicorn"))) {
    await run("python3", ["-m", "venv", join(folder, "python")]);
    const packages = [`flask==${versions.flask}`, `gunicorn==${versions.gunicorn}`];
    await run(join(bin, "pip"), ["install", "--quiet", ...packages]);
  }
}

export interface Contender {
  name: string;
  /** Its command for this port of 127.0.0.1. */
  command: (port: number) => [string, ...string[]];
}

const flask = ["--app", peer("flask_app.py")];

/** The command of payment's image, with more options of Node. */
export const paymentCommand = (...options: string[]): [string, ...string[]] => [
  node,
  ...options,
  "--max-semi-space-size=1",
  `--snapshot-blob=${join(payment, "snapshot.blob")}`,
];

export const contenders: Contender[] = [
  { name: "bare node:http", command: () => [node, peer("bare.cjs")] },
  { name: "payment", command: () => paymentCommand() },
  { name: "payment, no snapshot", command: () => [node, join(payment, "main.cjs")] },
  { name: `fastify ${versions.fastify}`, command: () => [node, peer("fastify.cjs")] },
  {
    name: `Flask ${versions.flask}, dev server`,
    command: (port) => [join(bin, "flask"), ...flask, "run", "--port", String(port)],
  },
  {
    name: `gunicorn ${versions.gunicorn} + Flask`,
    command: (port) => [
      join(bin, "gunicorn"),
      "--chdir",
      resolve("bench/peers"),
      // Of sync and gthread, 1 to 4 workers, the one with the most requests a second on one core.
      "--worker-class=gthread",
      "--workers=2",
      "--threads=16",
      "--keep-alive=5",
      `--bind=127.0.0.1:${port}`,
      "flask_app:app",
    ],
  },
];
