// node payment-service/bench/load.ts URL [connections] [seconds]: makes charges as fast as they are answered, and
// prints what came of it as JSON. One process, one core; start several for more. TOKEN is shown with each charge.
import { connect } from "node:net";

export interface Load {
  /** Answers with status 200. */
  ok: number;
  /** Answers with another status. */
  other: number;
  /** Connections that were refused, or ended within an answer. */
  failed: number;
  seconds: number;
  /** Percentiles of the time to an answer, in milliseconds. */
  p50: number;
  p99: number;
}

const body = '{"currency":"EUR","value":374.72349876543211,"customer_id":1}';

/**
 * Keeps each connection busy with one request after the other; one that the server closes is
 * opened again, as a client would.
 * @param url of the service, such as http://localhost:9000
 * @param token of the caller, where the service asks for one
 */
export async function load(
  url: string,
  connections = 32,
  seconds = 5,
  token?: string,
): Promise<Load> {
  const { hostname, port, host } = new URL(url);
  const authorization = token ? `Authorization: Bearer ${token}\r\n` : "";
  const request = `POST /api/v1/charge HTTP/1.1\r\nHost: ${host}\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const begin = performance.now();
  const end = begin + seconds * 1000;
  const times: number[] = [];
  let [ok, other, failed] = [0, 0, 0];

  /** One connection's life: true when all it asked was answered. */
  function converse(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let answer = "";
      let asked = 0;
      const ask = () => {
        answer = "";
        asked = performance.now();
        socket.write(request);
      };
      socket.setEncoding("latin1");
      socket.once("connect", ask);
      socket.on("data", (chunk: string) => {
        answer += chunk;
        const head = answer.indexOf("\r\n\r\n");
        if (head === -1) return;
        const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1];
        const chunked = length === undefined;
        if (chunked ? !answer.endsWith("0\r\n\r\n") : answer.length < head + 4 + Number(length)) {
          return;
        }
        if (answer.startsWith("200", 9)) ok++;
        else other++;
        times.push(performance.now() - asked);
        asked = 0;
        if (performance.now() > end) socket.destroy();
        else if (/\r\nconnection: *close/i.test(answer.slice(0, head))) socket.end();
        else ask();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(asked === 0 && times.length > 0));
    });
  }

  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) if (!(await converse())) failed++;
    }),
  );
  times.sort((a, b) => a - b);
  const percentile = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return {
    ok,
    other,
    failed,
    seconds: (performance.now() - begin) / 1000,
    p50: percentile(0.5),
    p99: percentile(0.99),
  };
}

if (import.meta.main) {
  const [url, connections = "32", seconds = "5"] = process.argv.slice(2);
  if (!url) throw new Error("node payment-service/bench/load.ts URL [connections] [seconds]");
  console.log(
    JSON.stringify(await load(url, Number(connections), Number(seconds), process.env.TOKEN)),
  );
}
