import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { json } from "node:stream/consumers";
import test from "ava";
import { paymentThat, service } from "../tests/helpers.ts";

/** What a service's connection to its database is told; SQLite then says that the disk is full, as it does when it is. */
async function withConnection<T>(open: () => Promise<T>): Promise<[T, (sql: string) => void]> {
  const { exec } = DatabaseSync.prototype;
  const opened = Promise.withResolvers<DatabaseSync>();
  DatabaseSync.prototype.exec = function (sql) {
    opened.resolve(this);
    return exec.call(this, sql);
  };
  const it = await open();
  DatabaseSync.prototype.exec = exec;
  const connection = await opened.promise;
  return [it, (sql) => connection.exec(sql)];
}

test("a disk that is full amid a run ends it, and shows, until there is room again", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  let [charges, tell] = [0, (_sql: string) => {}];
  const accepted = new Map<number, Set<unknown>>();
  const PAYMENT_PROVIDER_ENDPOINT = await paymentThat(t, async (request, response) => {
    const { value } = (await json(request)) as { value: number };
    accepted.set(value, (accepted.get(value) ?? new Set()).add(request.headers["idempotency-key"]));
    // Below what there is, it is what there is.
    if (++charges === 100) tell("PRAGMA max_page_count = 1");
    response.end('{"result":true}');
  });
  const DATABASE = join(folder, "antaeus.db");
  const env = { DATABASE, PAYMENT_PROVIDER_ENDPOINT, INVOICES_PER_CUSTOMER: "501" };
  const [antaeus, connection] = await withConnection(() => service(env));
  tell = connection;
  const { server, pay, logged } = antaeus;
  const ready = async () => {
    const { statusCode, payload } = await server.inject("/rest/ready");
    return [statusCode, JSON.parse(payload).detail];
  };
  const runs = () => logged().filter(({ message }) => message === "pay run");
  const reason = "database or disk is full";
  t.deepEqual(await ready(), [200, undefined]);

  t.is((await pay()).payload, "false");
  const [run] = runs();
  t.like(run, { level: "warn", due: 1000, reason, circuit: "closed" });
  t.is(server.app.database.count().PAID, 2 + run.accepted);
  t.true(charges < 250, `${charges} charges`);
  t.true(run.no_answer >= 1 && run.no_answer <= 8, "those under way");
  t.is(run.accepted + run.no_answer, charges);
  t.is((await server.inject("/rest/health")).statusCode, 200);
  t.deepEqual(await ready(), [503, `What payment answers cannot be kept: ${reason}`]);
  t.is((await server.inject("/rest/v1/invoices/1")).statusCode, 200, "what is there can be read");

  const before = charges;
  t.is((await pay()).payload, "false");
  t.is(charges, before, "and nobody is charged for what cannot be kept");
  t.like(runs()[1], { due: 1000 - run.accepted, skipped: 1000 - run.accepted, reason });

  tell("PRAGMA max_page_count = 1000000");
  t.deepEqual(await ready(), [200, undefined]);
  t.is((await pay()).payload, "true");
  t.is(charges, 1000 + run.no_answer);
  t.is(accepted.size, 1000);
  for (const keys of accepted.values()) t.is(keys.size, 1, "under the key of before");
  const tables = new DatabaseSync(DATABASE).prepare("SELECT name FROM sqlite_schema").all();
  t.false(tables.some(({ name }) => name === "room"));
});
