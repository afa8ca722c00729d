import test from "ava";
import { drain } from "service-kit/lifecycle";
import { service } from "../tests/helpers.ts";

test("while it drains it serves, is alive, is not ready, and ends each connection", async (t) => {
  const { server, logged } = await service({ DRAIN_SECONDS: "0.2" });
  const urls = ["/rest/v1/customers", "/rest/v1/invoices/0", "/nowhere", "/rest/health"];
  const answers = async () => {
    const got = await Promise.all([...urls, "/rest/ready"].map((url) => server.inject(url)));
    return got.map(({ statusCode, headers }) => [statusCode, headers.connection === "close"]);
  };
  const serving = (ready: number, close: boolean) =>
    [200, 400, 404, 200, ready].map((status) => [status, close]);
  t.deepEqual(await answers(), serving(200, false));
  t.is((await server.inject("/rest/ready")).payload, '"ready"');

  const begun = performance.now();
  const drained = drain(server);
  t.deepEqual(await answers(), serving(503, true));
  t.is((await server.inject("/rest/health")).payload, '"ok"');
  await drained;
  t.true(performance.now() - begun >= 199);
  const said = logged();
  t.like(
    said.find(({ message }) => message === "draining"),
    { level: "info", seconds: 0.2 },
  );
  t.is(said.at(-1).message, "stopped");
});
