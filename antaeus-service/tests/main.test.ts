import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { start } from "./service.ts";

test("a wrong environment ends the process, and it says what is wrong", async (t) => {
  const antaeus = start(t, "antaeus-service", { PORT: "http" });
  const error = await t.throwsAsync(antaeus.url);
  t.regex(
    error?.message ?? "",
    /it ended before it listened: The environment is wrong: "PORT" must/,
  );
  t.is(await antaeus.terminate(), 1);
});

test("nothing is made up unless it is asked for", async (t) => {
  const env = { DATABASE: ":memory:", PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1" };
  const url = await start(t, "antaeus-service", env).url;
  for (const kind of ["customers", "invoices"])
    t.deepEqual(await (await fetch(`${url}/rest/v1/${kind}`)).json(), []);
});

test("services that start at once on a new database share it", async (t) => {
  for (let round = 0; round < 3; round++) {
    const DATABASE = join(mkdtempSync(join(tmpdir(), "antaeus-")), "antaeus.db");
    const env = {
      DATABASE,
      CUSTOMERS: "25",
      INVOICES_PER_CUSTOMER: "40",
      PAYMENT_PROVIDER_ENDPOINT: "http://127.0.0.1:1",
    };
    const services = Array.from({ length: 4 }, () => start(t, "antaeus-service", env));
    for (const url of await Promise.all(services.map(({ url }) => url))) {
      const invoices = await fetch(`${url}/rest/v1/invoices`).then((answer) => answer.json());
      t.is(invoices.length, 1000);
    }
    await Promise.all(services.map(({ kill }) => kill()));
  }
});
