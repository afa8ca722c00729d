// node payment-service/bench/load.ts URL [connections] [seconds]: makes charges as fast as they are answered, and
// prints what came of it as JSON. One process, one core; start several for more. TOKEN is shown with each charge.
import { connect } from "node:net";

export interface Load {
  /** Answers with status 200, and those with another. */
  ok: number;
  other: number;
  /** Connections that were refused, or ended within an answer. */
  failed: number;
  seconds: number;
  /** The time that 99 of 100 charges are answered within, in milliseconds. */
  p99: number;
}

const [url, connections = "32", seconds = "5"] = process.argv.slice(2);
if (!url) throw new Error("node payment-service/bench/load.ts URL [connections] [seconds]");
const { hostname, port, host } = new URL(url);
const body = '{"currency":"EUR","value":374.72349876543211,"customer_id":1}';
const request = [
  "POST /api/v1/charge HTTP/1.1",
  `Host: ${host}`,
  ...(process.env.TOKEN ? [`Authorization: Bearer ${process.env.TOKEN}`] : []),
  "Content-Type: application/json",
  `Content-Length: ${body.length}`,
  "",
  body,
].join("\r\n");

const begin = performance.now();
const end = begin + Number(seconds) * 1000;
const times: number[] = [];
const count = { ok: 0, other: 0, failed: 0 };

function isWhole(answer: string): boolean {
  const head = answer.indexOf("\r\n\r\n");
  if (head === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1];
  return length ? answer.length >= head + 4 + Number(length) : answer.endsWith("0\r\n\r\n");
}

/** Keeps one connection busy with one request after the other, until it or the time ends. */
const converse = () =>
  new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let [answer, asked, isOwed] = ["", 0, true];
    const ask = () => {
      [answer, asked, isOwed] = ["", performance.now(), true];
      socket.write(request);
    };
    socket.setEncoding("latin1").once("connect", ask);
    socket.on("data", (chunk) => {
      answer += chunk;
      if (!isWhole(answer)) return;
      isOwed = false;
      count[answer.startsWith("200", 9) ? "ok" : "other"]++;
      times.push(performance.now() - asked);
      if (performance.now() > end) socket.destroy();
      else if (/\r\nconnection: *close/i.test(answer)) socket.end();
      else ask();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (isOwed) count.failed++;
      resolve(undefined);
    });
  });

/** One that the server closes is opened again, as a client would. */
async function keepConversing() {
  while (performance.now() < end) await converse();
}
await Promise.all(Array.from({ length: Number(connections) }, keepConversing));
const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
const result: Load = { ...count, seconds: (performance.now() - begin) / 1000, p99 };
console.log(JSON.stringify(result));
