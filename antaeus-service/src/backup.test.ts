import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { service } from "../tests/helpers.ts";

const folder = mkdtempSync(join(tmpdir(), "antaeus-test-"));
test.after.always(() => rmSync(folder, { recursive: true }));

test("how old the backup is stands in the metrics, also while Litestream is away", async (t) => {
  const socket = join(folder, "litestream.sock");
  const { server } = await service({ BACKUP_SOCKET: socket });
  t.teardown(() => server.stop());
  const measured = async () => {
    const { payload } = await server.inject("/metrics");
    return /^antaeus_backup_last_success_time_seconds (.*)$/m.exec(payload)?.[1];
  };
  t.is(await measured(), "0");

  let answer: object = { databases: [{ path: "/data/antaeus.db", status: "replicating" }] };
  const litestream = createServer((request, response) =>
    response.end(JSON.stringify(request.url === "/list" ? answer : {})),
  ).listen(socket);
  await once(litestream, "listening");
  t.is(await measured(), "0", "nothing is backed up yet");
  answer = { databases: [{ last_sync_at: "2026-11-30T12:00:00.5Z" }] };
  t.is(await measured(), "1796040000.5");
  answer = {};
  t.is(await measured(), "1796040000.5");
  litestream.closeAllConnections();
  litestream.close();
  await once(litestream, "close");
  t.is(await measured(), "1796040000.5");
});

test("without Litestream nothing is said of a backup", async (t) => {
  const { server } = await service();
  t.teardown(() => server.stop());
  t.notRegex((await server.inject("/metrics")).payload, /backup/);
});
