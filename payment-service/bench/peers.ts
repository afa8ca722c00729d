import { join, resolve } from "node:path";

/** Where make installs the peers: a scratch folder, never among our dependencies. */
export const folder = resolve(".tools/bench");
const bin = join(folder, "python/bin");
const node = process.execPath;
const payment = resolve("payment-service/dist");
const peer = (file: string) => resolve("payment-service/bench/peers", file);

export interface Contender {
  name: string;
  /** Its command for this port of 127.0.0.1. */
  command: (port: number) => [string, ...string[]];
  /** Whether it is told who may charge, and looks at the caller's token. */
  knowsCaller?: boolean;
}

/** The command of payment's image, with more options of Node. */
export const paymentCommand = (...options: string[]): [string, ...string[]] => [
  node,
  ...options,
  "--max-semi-space-size=1",
  `--snapshot-blob=${join(payment, "snapshot.blob")}`,
];

// A worker more than the core, and threads, so that connections are kept as the others keep them.
const threads = ["--worker-class=gthread", "--workers=2", "--threads=16", "--keep-alive=5"];
const gunicorn = [...threads, "--chdir", peer("."), "flask_app:app"];
const flask = ["--app", peer("flask_app.py"), "run"];

export const contenders: Contender[] = [
  { name: "bare node:http", command: () => [node, peer("bare.cjs")] },
  { name: "payment", command: () => paymentCommand() },
  { name: "payment, known caller", command: () => paymentCommand(), knowsCaller: true },
  { name: "payment, no snapshot", command: () => [node, join(payment, "main.cjs")] },
  { name: "fastify", command: () => [node, peer("fastify.cjs")] },
  {
    name: "Flask, dev server",
    command: (port) => [`${bin}/flask`, ...flask, `--port=${port}`],
  },
  {
    name: "gunicorn and Flask",
    command: (port) => [`${bin}/gunicorn`, ...gunicorn, `--bind=127.0.0.1:${port}`],
  },
];
