import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { mock } from "node:test";
import { getCACertificates, rootCertificates } from "node:tls";
import test, { type ExecutionContext } from "ava";
import { base64url, CompactSign, exportSPKI, SignJWT, UnsecuredJWT } from "jose";
import { type Certificate, certificate } from "../tests/certificates.ts";
import { caller, claims, now, type Signer, signer, sign as signWith } from "../tests/signer.ts";
import { startServer } from "./server.ts";

const body = '{"currency":"EUR","value":374.72,"customer_id":7}';

const [rsa, ec, other] = await Promise.all([
  signer("RS256", "rsa"),
  signer("ES256", "ec"),
  signer("RS256", "other"),
]);

const sign = (by: Pick<Signer, "header" | "key"> = rsa, change: object = {}) =>
  signWith(by, change);

/** An HTTP server on a real socket. @returns its port, the one asked for unless that is 0 */
async function listen(t: ExecutionContext, listener: RequestListener, port = 0) {
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => close(server));
  return { server, port: (server.address() as AddressInfo).port };
}

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** An issuer that publishes keys, or answers as `answer` says, and counts how often it is asked. */
async function issuer(t: ExecutionContext, ...signers: Signer[]) {
  const publish =
    (...published: Signer[]): RequestListener =>
    (_request, response) => {
      response.setHeader("content-type", "application/jwk-set+json");
      response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
    };
  const it = { asked: 0, publish, answer: publish(...signers) };
  const { port } = await listen(t, (request, response) => {
    it.asked++;
    it.answer(request, response);
  });
  return Object.assign(it, { CALLER_JWKS_URL: `http://127.0.0.1:${port}/openid/v1/jwks` });
}

/** A server that knows its caller by the keys at this URL, and the lines it logs. */
async function service({ CALLER_JWKS_URL }: { CALLER_JWKS_URL: string }, env = {}) {
  const lines: string[] = [];
  const server = await startServer({
    env: { ...caller, CALLER_JWKS_URL, ACCEPTANCE_SHARE: "1", ...env },
    log: (line) => lines.push(line),
  });
  /** @param authorization the header; without it, none is sent */
  const charge = async (
    authorization?: string,
    payload = body,
    type = "application/json",
    more = {},
  ) => {
    const answer = await server.inject({
      method: "POST",
      url: "/api/v1/charge",
      headers: {
        "content-type": type,
        ...(authorization !== undefined && { authorization }),
        ...more,
      },
      payload,
    });
    return {
      status: answer.statusCode,
      challenge: answer.headers["www-authenticate"],
      body: JSON.parse(answer.payload),
    };
  };
  return { server, charge, lines };
}

type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof service>>["charge"]>>;

const accepted: Answer = { status: 200, challenge: undefined, body: { result: true } };
const unauthorized = (message: string, challenge = 'Bearer error="invalid_token"'): Answer => ({
  status: 401,
  challenge,
  body: { title: "Unauthorized", status: 401, detail: message },
});
const refused = (wrong: string) => unauthorized(`The token is refused: ${wrong}`);
const noToken = unauthorized('"authorization" must be "Bearer" and a token', "Bearer");
const unavailable: Answer = {
  status: 503,
  challenge: undefined,
  body: {
    title: "Service Unavailable",
    status: 503,
    detail: "Callers cannot be verified: the keys of their issuer cannot be fetched",
  },
};

// These set the clock, which is everybody's, so they run one by one and before the others.

/** Stops the clock, at a whole second, as tokens end with one. @returns a function that sets it forward, in seconds */
function stopClock(t: ExecutionContext) {
  mock.timers.enable({ apis: ["Date"], now: Math.floor(Date.now() / 1000) * 1000 });
  t.teardown(() => mock.timers.reset());
  return (seconds: number) => mock.timers.setTime(Date.now() + seconds * 1000);
}

test.serial("the clocks may be five seconds apart, no more", async (t) => {
  const forward = stopClock(t);
  const { charge } = await service(await issuer(t, rsa));
  const early = `Bearer ${await sign(rsa, { nbf: now() + 6 })}`;
  t.deepEqual(await charge(early), refused("it is not valid yet"));
  forward(1);
  t.deepEqual(await charge(early), accepted);

  const late = `Bearer ${await sign(rsa, { exp: now() + 60 })}`;
  forward(64);
  t.deepEqual(await charge(late), accepted);
  forward(1);
  t.deepEqual(await charge(late), refused("it has expired"));
});

test.serial("a new key is fetched, and a token of the old one then fails", async (t) => {
  const forward = stopClock(t);
  const keys = await issuer(t, rsa);
  const { charge } = await service(keys);
  const [old, young] = [`Bearer ${await sign(rsa)}`, `Bearer ${await sign(other)}`];
  t.deepEqual(await charge(old), accepted);

  keys.answer = keys.publish(other);
  forward(29);
  t.deepEqual(await charge(young), refused("its key is none of the issuer's"));
  t.is(keys.asked, 1, "not within half a minute of the last fetch");
  t.deepEqual(await charge(old), accepted);
  forward(1);
  t.deepEqual(await charge(young), accepted);
  t.deepEqual(await charge(old), refused("its key is none of the issuer's"));
  t.is(keys.asked, 2);
});

test.serial(
  "keys are fetched anew after ten minutes, and one that was withdrawn fails",
  async (t) => {
    const forward = stopClock(t);
    const keys = await issuer(t, rsa, other);
    const { charge } = await service(keys);
    const [kept, withdrawn] = [`Bearer ${await sign(rsa)}`, `Bearer ${await sign(other)}`];
    t.deepEqual(await charge(withdrawn), accepted);

    keys.answer = keys.publish(rsa);
    forward(599);
    t.deepEqual(await charge(withdrawn), accepted);
    t.is(keys.asked, 1);
    forward(1);
    t.deepEqual(await charge(withdrawn), refused("its key is none of the issuer's"));
    t.deepEqual(await charge(kept), accepted);
    t.is(keys.asked, 2);
  },
);

test.serial("keys serve for an hour while the issuer is away, no longer", async (t) => {
  const forward = stopClock(t);
  const keys = await issuer(t, rsa);
  const { charge } = await service(keys);
  const known = `Bearer ${await sign(rsa, { exp: now() + 7200 })}`;
  const unknown = `Bearer ${await sign(other, { exp: now() + 7200 })}`;
  t.deepEqual(await charge(known), accepted);

  keys.answer = (request) => request.socket.destroy();
  forward(599);
  t.deepEqual(await charge(known), accepted);
  t.is(keys.asked, 1);
  t.deepEqual(await charge(unknown), unavailable, "the issuer may have another key by now");
  t.deepEqual(await charge(known), accepted);
  forward(3600 - 599 - 1);
  t.deepEqual(await charge(known), accepted);
  forward(1);
  t.deepEqual(await charge(known), unavailable);

  keys.answer = keys.publish(rsa);
  forward(29);
  t.deepEqual(await charge(known), accepted, "half a minute after it was asked last");
  t.deepEqual(await charge(unknown), refused("its key is none of the issuer's"));
});

test.serial("an issuer that is away is left alone for a while, however many charge", async (t) => {
  const forward = stopClock(t);
  const keys = await issuer(t, rsa);
  const published = keys.answer;
  keys.answer = (request) => request.socket.destroy();
  const { charge } = await service(keys);
  const token = `Bearer ${await sign(rsa, { exp: now() + 7200 })}`;
  const madeUp = `Bearer ${await sign(other, { exp: now() + 7200 })}`;
  const chargeOften = async (known: Answer, unknown: Answer) => {
    for (let time = 0; time < 5; time++) {
      t.deepEqual(await charge(token), known);
      t.deepEqual(await charge(madeUp), unknown);
    }
  };
  await chargeOften(unavailable, unavailable);
  t.is(keys.asked, 1, "there are no keys yet");
  forward(4);
  await chargeOften(unavailable, unavailable);
  t.is(keys.asked, 1, "a failure that is passed on is no fetch");
  keys.answer = published;
  forward(1);
  await chargeOften(accepted, refused("its key is none of the issuer's"));
  t.is(keys.asked, 2);

  keys.answer = (request) => request.socket.destroy();
  forward(600);
  await chargeOften(accepted, unavailable);
  t.is(keys.asked, 3, "the keys are ten minutes old");
  forward(30);
  await chargeOften(accepted, unavailable);
  t.is(keys.asked, 4);
});

test.serial("the file of the CA is read at each fetch, as a cluster's CA rotates", async (t) => {
  const forward = stopClock(t);
  const folder = mkdtempSync(join(tmpdir(), "ca-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const CALLER_CA_FILE = join(folder, "ca.crt");
  const [before, after] = ["before", "after"].map((subject) => {
    const ca = certificate(subject);
    return { ca: ca.cert, server: certificate("issuer", { subject, key: ca.key }) };
  }) as [{ ca: string; server: Certificate }, { ca: string; server: Certificate }];

  const keys = JSON.stringify({ keys: [rsa.jwk] });
  let asked = 0;
  const server = createTlsServer(before.server, (_request, response) => {
    asked++;
    response.end(keys);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => close(server));
  const { port } = server.address() as AddressInfo;
  const { charge, lines } = await service(
    { CALLER_JWKS_URL: `https://127.0.0.1:${port}/jwks` },
    { CALLER_CA_FILE },
  );
  const token = `Bearer ${await sign(rsa, { exp: now() + 7200 })}`;
  const reason = () => JSON.parse(lines.at(-1) ?? "").reason;
  t.deepEqual(await charge(token), unavailable);
  t.regex(reason(), /ENOENT.*ca\.crt/);

  writeFileSync(CALLER_CA_FILE, after.ca);
  forward(5);
  t.deepEqual(await charge(token), unavailable, "another's CA");
  t.regex(reason(), /fetch failed: .*certificate/);

  writeFileSync(CALLER_CA_FILE, before.ca);
  forward(5);
  t.deepEqual(await charge(token), accepted);
  t.is(asked, 1);

  server.setSecureContext(after.server);
  server.closeAllConnections();
  writeFileSync(CALLER_CA_FILE, before.ca + after.ca);
  forward(600);
  t.deepEqual(await charge(token), accepted);
  t.is(asked, 2, "by both, while the CA is replaced");

  server.closeAllConnections();
  writeFileSync(CALLER_CA_FILE, after.ca);
  forward(600);
  t.deepEqual(await charge(token), accepted);
  t.is(asked, 3);

  server.closeAllConnections();
  writeFileSync(CALLER_CA_FILE, before.ca);
  forward(600);
  t.deepEqual(await charge(token), accepted, "by the keys of before");
  t.is(asked, 3, "what was trusted once is not for ever");
  t.is(getCACertificates().length, rootCertificates.length + 1, "a public issuer needs no file");
});

test.serial(
  "a signature is verified once by the same keys, and nothing is remembered for long",
  async (t) => {
    const forward = stopClock(t);
    const keys = await issuer(t, rsa);
    const { charge } = await service(keys);
    const { mock: verify } = mock.method(SubtleCrypto.prototype, "verify");
    t.teardown(() => mock.restoreAll());
    /** Charges twice with a token. @returns how often its signature was verified */
    const verified = async (token: string) => {
      const before = verify.callCount();
      for (let time = 0; time < 2; time++) t.deepEqual(await charge(`Bearer ${token}`), accepted);
      return verify.callCount() - before;
    };
    const token = await sign(rsa, { exp: now() + 3600 });
    t.is(await verified(token), 2, "once with keys that are fetched for it");
    t.is(await verified(token), 0);
    t.is((await charge(`Bearer ${token.slice(0, -8)}AAAAAAAA`)).status, 401);
    forward(600);
    t.is(await verified(token), 1, "by keys that are fetched anew");

    t.is(await verified(token), 0);
    for (let count = 0; count < 100; count++)
      t.is(await verified(await sign(rsa, { exp: now() + count + 1 })), 1);
    t.is(await verified(token), 1, "a hundred others came since");
  },
);

for (const key of [rsa, ec]) {
  test(`a token signed with ${key.header.alg} is accepted`, async (t) => {
    const { charge } = await service(await issuer(t, rsa, ec));
    t.deepEqual(await charge(`Bearer ${await sign(key)}`), accepted);
    const aud = ["https://kubernetes.default.svc", caller.CALLER_AUDIENCE];
    t.deepEqual(await charge(`Bearer ${await sign(key, { aud })}`), accepted, "one of several");
    t.deepEqual(await charge(`bearer  ${await sign(key)}`), accepted, "as RFC 9110 has schemes");
  });
}

test("the keys are fetched once, at the first charge, by however many at once", async (t) => {
  const keys = await issuer(t, rsa, ec);
  const { charge } = await service(keys);
  t.is(keys.asked, 0);
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => sign(i % 2 ? rsa : ec)));
  for (const answer of await Promise.all(tokens.map((token) => charge(`Bearer ${token}`))))
    t.deepEqual(answer, accepted);
  for (const token of tokens) t.deepEqual(await charge(`Bearer ${token}`), accepted);
  t.is(keys.asked, 1);
});

const headers: [what: string, header: (token: string) => string | undefined][] = [
  ["no header", () => undefined],
  ["an empty header", () => ""],
  ["a token without its scheme", (token) => token],
  ["a scheme without its token", () => "Bearer"],
  ["another scheme", (token) => `Basic ${token}`],
  ["a scheme that begins alike", (token) => `Bearers ${token}`],
  ["two tokens", (token) => `Bearer ${token} ${token}`],
  ["two tokens in a list", (token) => `Bearer ${token}, Bearer ${token}`],
  ["a quoted token", (token) => `Bearer "${token}"`],
];
for (const [what, header] of headers) {
  test(`${what} is 401, and no keys are fetched for it`, async (t) => {
    const keys = await issuer(t, rsa);
    const { charge } = await service(keys);
    const token = await sign();
    t.deepEqual(await charge(header(token)), noToken);
    t.is(keys.asked, 0);
    t.deepEqual(await charge(`Bearer ${token}`), accepted);
  });
}

test("each caller makes charges of its own kind, and no others", async (t) => {
  const probe = "system:serviceaccount:app-payment:release-probe";
  const keys = await issuer(t, rsa);
  const token = async (sub: string) => `Bearer ${await sign(rsa, { sub })}`;
  const [customers, probes] = [await token(caller.CALLER_SUBJECT), await token(probe)];
  const { charge } = await service(keys, { SYNTHETIC_SUBJECT: probe });
  const synthetic = (token: string) => charge(token, body, undefined, { synthetic: "true" });
  // By the keys that are fetched for it, by those that are there, and by what is remembered.
  for (let time = 0; time < 3; time++) {
    t.deepEqual(await charge(customers), accepted);
    t.deepEqual(await synthetic(probes), accepted);
    t.is((await charge(probes)).status, 403);
    t.is((await charge(probes, body, undefined, { synthetic: "false" })).status, 403);
    t.is((await synthetic(customers)).status, 403);
  }
  const stranger = await token("system:serviceaccount:app-payment:default");
  t.deepEqual(await synthetic(stranger), refused('its "sub" is wrong'));

  const without = await service(keys);
  t.deepEqual(await without.charge(probes), refused('its "sub" is wrong'));
  const marked = await without.charge(customers, body, undefined, { synthetic: "true" });
  t.is(marked.status, 403);
});

const changed = (change: object) => () => sign(rsa, change);
/** A token with this header and these claims, and the signature of one that is right. */
const forged = async (header: object, payload: object = claims()) =>
  [header, payload]
    .map((part) => base64url.encode(JSON.stringify(part)))
    .concat((await sign()).split(".").slice(2))
    .join(".");
const encoder = new TextEncoder();
const secret = encoder.encode(await exportSPKI(rsa.publicKey));
const anotherAlgorithm = "its algorithm must be one of RS256, ES256";

const wrong: [what: string, token: () => string | Promise<string>, why: string][] = [
  ["another issuer", changed({ iss: "https://elsewhere" }), 'its "iss" is wrong'],
  [
    "an issuer that begins alike",
    changed({ iss: `${caller.CALLER_ISSUER}/` }),
    'its "iss" is wrong',
  ],
  ["no issuer", changed({ iss: undefined }), 'its "iss" is missing'],
  ["another audience", changed({ aud: ["https://kubernetes.default.svc"] }), 'its "aud" is wrong'],
  ["an empty audience", changed({ aud: [] }), 'its "aud" is wrong'],
  ["no audience", changed({ aud: undefined }), 'its "aud" is missing'],
  [
    "another subject",
    changed({ sub: "system:serviceaccount:app-antaeus:default" }),
    'its "sub" is wrong',
  ],
  ["no subject", changed({ sub: undefined }), 'its "sub" is missing'],
  ["an end in the past", () => sign(rsa, { exp: now() - 60 }), "it has expired"],
  ["no end", changed({ exp: undefined }), 'its "exp" is missing'],
  ["an end in words", changed({ exp: "never" }), 'its "exp" is wrong'],
  ["a start to come", () => sign(rsa, { nbf: now() + 60 }), "it is not valid yet"],
  ["a start in words", changed({ nbf: "soon" }), 'its "nbf" is wrong'],
  [
    "another's signature",
    () => sign({ header: rsa.header, key: other.key }),
    "its signature is wrong",
  ],
  [
    "claims changed after signing",
    () => forged(rsa.header, { ...claims(), exp: now() + 9999 }),
    "its signature is wrong",
  ],
  ["no signature", async () => (await sign()).replace(/[^.]*$/, ""), "its signature is wrong"],
  [
    "a key it brings along",
    () =>
      new SignJWT(claims()).setProtectedHeader({ ...rsa.header, jwk: other.jwk }).sign(other.key),
    "its signature is wrong",
  ],
  ["a key that is none of the issuer's", () => sign(other), "its key is none of the issuer's"],
  [
    "the name of a key of another type",
    () => sign({ header: { alg: "RS256", kid: "ec" }, key: rsa.key }),
    "its key is none of the issuer's",
  ],
  ["algorithm none", () => new UnsecuredJWT(claims()).encode(), anotherAlgorithm],
  ["algorithm none, and a signature", () => forged({ alg: "none", kid: "rsa" }), anotherAlgorithm],
  [
    "HS256 with the public key for a secret",
    () => new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "rsa" }).sign(secret),
    anotherAlgorithm,
  ],
  ["RS512", () => forged({ alg: "RS512", kid: "rsa" }), anotherAlgorithm],
  ["no algorithm", () => forged({ kid: "rsa" }), "it is malformed"],
  [
    "an extension",
    () => forged({ ...rsa.header, crit: ["x"], x: 1 }),
    "it needs an extension that is not known",
  ],
  ["a header that is no JSON", async () => `e30x${(await sign()).slice(4)}`, "it is malformed"],
  [
    "claims that are no object",
    () => new CompactSign(encoder.encode("[]")).setProtectedHeader(rsa.header).sign(rsa.key),
    "it is malformed",
  ],
  ["two parts", async () => (await sign()).replace(/\.[^.]*$/, ""), "it is malformed"],
  ["six parts", async () => `${await sign()}.${await sign()}`, "it is malformed"],
  ["one word", () => "opaque", "it is malformed"],
];
for (const [what, token, why] of wrong) {
  test(`a token with ${what} is 401 and told why`, async (t) => {
    const { charge, lines } = await service(await issuer(t, rsa, ec));
    const made = await token();
    t.deepEqual(await charge(`Bearer ${made}`), refused(why));
    t.deepEqual(await charge(`Bearer ${await sign()}`), accepted);
    t.is(lines.length, 2);
    for (const part of [...made.split("."), caller.CALLER_SUBJECT])
      if (part) t.false(lines.join().includes(part), "the log has nothing of the token");
  });
}

test("a token that names no key is accepted where only one may be meant", async (t) => {
  const token = await sign({ header: { alg: "RS256" }, key: rsa.key });
  const one = await service(await issuer(t, rsa, ec));
  t.deepEqual(await one.charge(`Bearer ${token}`), accepted);
  const two = await service(await issuer(t, rsa, other));
  t.deepEqual(
    await two.charge(`Bearer ${token}`),
    refused("it does not say which of the issuer's keys is its own"),
  );
});

const failures: [what: string, answer: RequestListener, reason: RegExp][] = [
  [
    "cuts the connection",
    (request) => request.socket.destroy(),
    /^fetch failed: other side closed/,
  ],
  ["answers 403", (_request, response) => response.writeHead(403).end("{}"), /200 OK/],
  [
    "redirects",
    (_request, response) => response.writeHead(302, { location: "/keys" }).end(),
    /200 OK/,
  ],
  ["answers no JSON", (_request, response) => response.end("<html>"), /JSON/],
  ["answers no keys", (_request, response) => response.end('{"keys":{}}'), /malformed/],
  ["is silent", () => {}, /timed out/],
  ["is silent amid the keys", (_request, response) => response.write('{"keys":'), /timeout|JSON/],
];
for (const [what, answer, reason] of failures) {
  test.serial(`an issuer that ${what} is 503, and forgotten once it answers`, async (t) => {
    const forward = stopClock(t);
    const keys = await issuer(t, rsa);
    const published = keys.answer;
    keys.answer = answer;
    const { server, charge, lines } = await service(keys);
    const token = `Bearer ${await sign()}`;
    const begun = performance.now();
    t.deepEqual(await charge(token), unavailable);
    t.true(performance.now() - begun < 4000, "in two seconds");
    const line = JSON.parse(lines[0] ?? "");
    t.like(line, { path: "/api/v1/charge", status: 503 });
    t.regex(line.reason, reason, "the log says why");
    t.false(lines.join().includes(token.slice(7)));
    t.is((await server.inject("/health")).statusCode, 200);

    keys.answer = published;
    forward(5);
    t.deepEqual(await charge(token), accepted);
  });
}

test.serial("an issuer that nobody reaches is 503, and forgotten once it is there", async (t) => {
  const forward = stopClock(t);
  // Its port is known before it listens: another server had it.
  const { server, port } = await listen(t, () => {});
  close(server);
  const { charge, lines } = await service({ CALLER_JWKS_URL: `http://127.0.0.1:${port}/jwks` });
  const token = `Bearer ${await sign()}`;
  t.deepEqual(await charge(token), unavailable);
  t.regex(JSON.parse(lines[0] ?? "").reason, /ECONNREFUSED/);
  t.deepEqual(await charge(), noToken, "needs no keys");

  await listen(t, (_request, response) => response.end(JSON.stringify({ keys: [rsa.jwk] })), port);
  forward(5);
  t.deepEqual(await charge(token), accepted);
});

const unread: [what: string, status: number, payload: string, type?: string][] = [
  ["broken JSON", 400, "{"],
  ["a wrong charge", 400, "{}"],
  ["a body that is too long", 413, "x".repeat(2000)],
  ["a body of another type", 415, body, "text/plain"],
];
for (const [what, status, payload, type] of unread) {
  test(`${what} is not looked at without the right token`, async (t) => {
    const { charge, lines } = await service(await issuer(t, rsa));
    const [right, wrong] = [`Bearer ${await sign()}`, `Bearer ${await sign(other)}`];
    t.deepEqual(await charge(undefined, payload, type), noToken);
    t.is((await charge(wrong, payload, type)).status, 401);
    t.is((await charge(right, payload, type)).status, status);
    t.is((await charge(wrong)).status, 401);
    t.deepEqual(await charge(right), accepted);
    t.deepEqual(
      lines.map((line) => JSON.parse(line).result),
      [undefined, undefined, undefined, undefined, true],
      "nothing is drawn for a charge that is refused",
    );
  });
}

test("over the wire the answer comes before the body was sent", async (t) => {
  const { CALLER_JWKS_URL } = await issuer(t, rsa);
  const server = await startServer({
    start: true,
    env: { ...caller, CALLER_JWKS_URL, HOST: "127.0.0.1", PORT: "0", ACCEPTANCE_SHARE: "1" },
    log: () => {},
  });
  t.teardown(() => server.stop());
  const send = async (authorization: string, payload: string) => {
    const socket = connect(server.info.port as number, "127.0.0.1");
    // Not end: to Node that would be a client that left.
    socket.write(
      `POST /api/v1/charge HTTP/1.1\r\nHost: payment\r\nConnection: close\r\n${authorization}` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${payload}`,
    );
    return text(socket);
  };
  const without = await send("", "");
  t.regex(without, /^HTTP\/1.1 401 Unauthorized\r\n/);
  t.regex(without, /\r\nwww-authenticate: Bearer\r\n/i);
  t.regex(without, /\r\n\r\n\{.*"detail":.*\}$/);
  const right = await send(`Authorization: Bearer ${await sign()}\r\n`, body);
  t.regex(right, /^HTTP\/1.1 200 OK\r\n/);
  t.regex(right, /\r\n\r\n\{"result":true\}$/);
});

test("health is open", async (t) => {
  const keys = await issuer(t, rsa);
  const { server, charge } = await service(keys);
  t.is((await server.inject("/health")).statusCode, 200);
  t.is(keys.asked, 0);
  t.deepEqual(await charge(), noToken, "unlike a charge");
});

test("where no caller is configured anybody charges, with whatever token", async (t) => {
  const server = await startServer({
    env: { CALLER: "anybody", ACCEPTANCE_SHARE: "1" },
    log: () => {},
  });
  for (const authorization of [undefined, "Bearer nonsense", `Bearer ${await sign(other)}`]) {
    const { statusCode, result } = await server.inject({
      method: "POST",
      url: "/api/v1/charge",
      headers: { ...(authorization && { authorization }), "content-type": "application/json" },
      payload: body,
    });
    t.is(statusCode, 200);
    t.deepEqual(result, { result: true });
  }
});
