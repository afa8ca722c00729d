import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { drain } from "service-kit/lifecycle";
import { service, valid } from "../tests/helpers.ts";
import { startServer } from "./server.ts";

const payload = JSON.stringify(valid);

test("while it drains it serves, is alive, is not ready, and ends each connection", async (t) => {
  const { server, charge, lines } = await service({ DRAIN_SECONDS: "0.2" });
  const answers = async () => {
    const got = [
      await charge(valid),
      await charge({}),
      await server.inject("/nowhere"),
      await server.inject("/health"),
      await server.inject("/ready"),
    ];
    return got.map(({ statusCode, headers }) => [statusCode, headers.connection]);
  };
  const before = [200, 400, 404, 200, 200];
  t.deepEqual(
    (await answers()).map(([status]) => status),
    before,
  );
  t.true((await answers()).every(([, connection]) => connection !== "close"));

  const drained = drain(server);
  t.deepEqual(
    await answers(),
    [200, 400, 404, 200, 503].map((status) => [status, "close"]),
  );
  t.deepEqual((await server.inject("/ready")).result, {
    title: "Service Unavailable",
    status: 503,
    detail: "Draining: send requests elsewhere",
  } as unknown as undefined);
  await drained;
  const said = lines.map((line) => JSON.parse(line).message);
  t.deepEqual(
    said.filter((message) => message !== "request"),
    ["draining", "stopped"],
  );
});

test("it drains for as long as it is told to, then stops", async (t) => {
  const server = await startServer({
    start: true,
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", DRAIN_SECONDS: "1" },
    log: () => {},
  });
  const begun = performance.now();
  const drained = drain(server);
  await setTimeout(100);
  const socket = connect(server.info.port as number, "127.0.0.1");
  socket.write("GET /health HTTP/1.1\r\nHost: payment\r\n\r\n");
  t.regex(await text(socket), /^HTTP\/1.1 200 OK\r\n/, "and the connection ends");
  await drained;
  t.true(performance.now() - begun >= 999);
  t.false(server.listener.listening);
});

/** A process of the service, by its port. */
async function replica(t: ExecutionContext, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ["src/main.ts"], {
    env: { HOST: "127.0.0.1", PORT: "0", CALLER: "anybody", ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout);
  const [line] = await once(lines, "line");
  const port = Number(new URL(JSON.parse(line).url).port);
  return { port, child };
}

/** What a client gets: a status, or the code of the error. */
function post(agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": payload.length };
    request({ agent, method: "POST", path: "/api/v1/charge", headers }, (response) => {
      response.resume().once("end", () => resolve(String(response.statusCode)));
      response.once("error", (error: NodeJS.ErrnoException) => resolve(`${error.code}`));
    })
      .once("error", (error: NodeJS.ErrnoException) => resolve(`${error.code}`))
      .end(payload);
  });
}

/**
 * Replaces two replicas one after the other, as a rollout does, while clients charge without a
 * pause. As behind a Service, a client keeps its connection for as long as the other side does, and
 * a new connection goes to any of the endpoints, from which a replica is taken only 150 ms after it
 * was told to stop.
 * @returns how often each answer was given
 */
async function rollout(t: ExecutionContext, env: NodeJS.ProcessEnv) {
  const replicas = [await replica(t, env), await replica(t, env)];
  let endpoints = replicas.map(({ port }) => port);
  let next = 0;
  const answers: Record<string, number> = {};
  let rolling = true;

  async function client() {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () =>
      connect(endpoints[next++ % endpoints.length] as number, "127.0.0.1");
    while (rolling) {
      const answer = await post(agent);
      answers[answer] = (answers[answer] ?? 0) + 1;
      await setTimeout(10);
    }
    agent.destroy();
  }
  const clients = Array.from({ length: 48 }, client);

  for (const { child, port } of replicas) {
    const young = await replica(t, env);
    endpoints.push(young.port);
    await setTimeout(200);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await setTimeout(150);
    endpoints = endpoints.filter((endpoint) => endpoint !== port);
    t.deepEqual(await ended, [0, null]);
  }
  rolling = false;
  await Promise.all(clients);
  return answers;
}

/** How often to try: npm run rollouts tries ten times. */
const rollouts = Array.from({ length: Number(process.env.ROLLOUTS ?? 1) }, (_, i) => i + 1);

for (const i of rollouts) {
  test(`a rollout under load loses no request (${i})`, async (t) => {
    const { 200: served = 0, ...failed } = await rollout(t, { DRAIN_SECONDS: "3" });
    t.log(`${served} served`);
    t.deepEqual(failed, {});
    t.true(served > 500, `${served} served`);
  });

  test(`without draining the same rollout loses requests (${i})`, async (t) => {
    const { 200: served, ...failed } = await rollout(t, { DRAIN_SECONDS: "0" });
    t.log(`${served} served, failed: ${JSON.stringify(failed)}`);
    t.true(Object.values(failed).reduce((sum, count) => sum + count, 0) > 0);
  });
}
