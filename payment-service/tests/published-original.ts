// A stand-in of the challenge's own Antaeus, as payment sees it: what it sends byte for byte, how it reads
// answers, and when it sends a charge again. Seen of its source and libraries on the JVM: khttp 0.1.0 on the
// JDK's HttpURLConnection, and org.json 20150729.
import { connect, type Socket } from "node:net";

export interface Invoice {
  id: number;
  customerId: number;
  /** With two decimals. */
  value: number;
}

/** The request as it is on the wire. Its JSON library makes an empty object of the currency, an enum. */
export function chargeRequest(host: string, { customerId, value }: Invoice): string {
  const body = `{"currency":{},"customer_id":${customerId},"value":${value}}`;
  return [
    "POST /api/v1/charge HTTP/1.1",
    "Accept: */*",
    "Accept-Encoding: gzip, deflate",
    "Content-Type: application/json",
    "User-Agent: Java/11.0.16",
    `Host: ${host}`,
    "Connection: keep-alive",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

/** What it makes of the body of an answer; the status it ignores. @throws Error for what is no result */
export function resultIn(body: string): boolean {
  const { result } = JSON.parse(body);
  if (/^(true|false)$/i.test(String(result)) && typeof result !== "object") {
    return String(result).toLowerCase() === "true";
  }
  throw new Error('JSONObject["result"] is not a Boolean.');
}

/** Its HTTP client: one connection, one request at a time. */
export class Client {
  readonly #host: string;
  readonly #port: number;
  readonly #retryPost: boolean;
  #connection: { socket: Socket; chunks: AsyncIterator<Buffer> } | undefined;
  /** How often a charge was sent again, because its connection ended before a byte of an answer. */
  resent = 0;

  /** @param retryPost the JDK's setting of that name: -Dsun.net.http.retryPost=false switches it off */
  constructor(host: string, port: number, retryPost = true) {
    this.#host = host;
    this.#port = port;
    this.#retryPost = retryPost;
  }

  async charge(invoice: Invoice): Promise<boolean> {
    const { body } = await this.send(chargeRequest(`${this.#host}:${this.#port}`, invoice));
    return resultIn(body);
  }

  /** Sends a request and reads its answer. */
  async send(request: string): Promise<{ status: number; body: string }> {
    return this.#exchange(request).catch((error) => {
      if (!(error instanceof NoAnswer) || !this.#retryPost) throw error;
      this.resent++;
      return this.#exchange(request);
    });
  }

  close(): void {
    this.#connection?.socket.destroy();
    this.#connection = undefined;
  }

  async #exchange(request: string): Promise<{ status: number; body: string }> {
    this.#connection ??= this.#connect();
    const { socket, chunks } = this.#connection;
    // The JDK writes the body by itself.
    const body = request.indexOf("\r\n\r\n") + 4;
    socket.write(request.slice(0, body));
    socket.write(request.slice(body));
    let answer = "";
    for (;;) {
      const { value, done } = await chunks.next().catch((error) => {
        this.close();
        if (/ECONNRESET|EPIPE/.test(error.code)) return { value: undefined, done: true };
        throw error;
      });
      if (done) {
        this.close();
        throw answer === "" ? new NoAnswer() : new Error("Premature EOF");
      }
      answer += value;
      const [, status, head, text = ""] = /^HTTP\/1\.1 (\d+)(.*?)\r\n\r\n(.*)$/s.exec(answer) ?? [];
      const [, length] = /\r\ncontent-length: (\d+)/i.exec(head ?? "") ?? [];
      if (length === undefined || Buffer.byteLength(text) < Number(length)) continue;
      if (/\r\nconnection: close/i.test(head ?? "")) this.close();
      return { status: Number(status), body: text };
    }
  }

  #connect() {
    const socket = connect(this.#port, this.#host).setNoDelay();
    socket.setTimeout(30_000, () => socket.destroy(new Error("Read timed out")));
    return { socket, chunks: socket[Symbol.asyncIterator]() };
  }
}

/** The connection ended before a byte of an answer. */
class NoAnswer extends Error {}

/**
 * A pay run: charges one invoice after the other, and stops at the first refusal.
 * @returns the ids of those that were paid, and whether all were
 */
export async function payRun(client: Pick<Client, "charge">, invoices: Invoice[]) {
  const paid: number[] = [];
  for (const invoice of invoices) {
    if (!(await client.charge(invoice))) return { paid, all: false };
    paid.push(invoice.id);
  }
  return { paid, all: true };
}
