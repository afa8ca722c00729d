import { setTimeout } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { run, succeeds } from "../../tools/cli/command.ts";
import { retry } from "../../tools/cli/progress.ts";
import { restoreProgram } from "../../tools/kubernetes/restore.ts";
import { type Invoice, invoices } from "../../tools/pay-run/pay-run.ts";

// Antaeus, Litestream of the same image, and payment behind a proxy that keeps the books: what payment was asked, and
// what it answered, by key, whatever becomes of Antaeus.
const prefix = "pe-gitops-e2e-backup";
const image = `localhost/${prefix}`;
const payment = `localhost/${prefix}-payment`;
const file = "/data/antaeus.db";

const proxy = `
  require("node:http").createServer(async (request, response) => {
    const body = await require("node:stream/consumers").text(request);
    const { method, url, headers } = request;
    const answer = await fetch("http://payment:9000" + url, { method, headers: {
      "content-type": "application/json",
      ...(headers["idempotency-key"] && { "idempotency-key": headers["idempotency-key"] }),
    }, ...(method === "POST" && { body }) });
    const said = await answer.text();
    if (method === "POST" && answer.ok)
      console.log(JSON.stringify({ time: Date.now(), key: headers["idempotency-key"], body, accepted: JSON.parse(said).result }));
    response.writeHead(answer.status, { "content-type": "application/json" }).end(said);
  }).listen(9001)`;

const docker = (...args: string[]) => run("docker", args);
const named = (name: string) => `${prefix}-${name}`;
const hardened = [
  ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"],
  ...["--network", prefix],
];
const volumes = ["data", "backup"].flatMap((name) => ["--volume", `${named(name)}:/${name}`]);
const to = (folder = "") => ["--env", `BACKUP_URL=file:///backup${folder}`];

const litestream = (options: string[], ...args: string[]) =>
  docker("run", ...options, ...hardened, ...volumes, "--entrypoint", "/litestream", image, ...args);

const restoring = ["restore", "-if-db-not-exists", "-integrity-check", "quick"];

/** What the pod's first container does. @param options further ones, such as of a moment */
const restore = (options: string[] = [], folder = "") =>
  litestream(["--rm", ...to(folder)], ...restoring, ...options, file);

const replicate = () =>
  litestream(["--detach", "--name", named("litestream"), ...to()], "replicate");

/** Starts Antaeus. @returns its URL, once it is ready */
async function antaeus(): Promise<string> {
  await docker(
    ...["run", "--detach", "--name", named("antaeus"), ...hardened, ...volumes.slice(0, 2)],
    ...["--publish", "127.0.0.1::8000"],
    ...["--env", "CUSTOMERS=25", "--env", "INVOICES_PER_CUSTOMER=40"],
    ...["--env", "PAYMENT_PROVIDER_ENDPOINT=http://books:9001/api/v1/charge"],
    ...["--env", "CHARGE_CONCURRENCY=2", "--env", "BACKUP_SOCKET=/data/litestream.sock", image],
  );
  const url = `http://${await docker("port", named("antaeus"), "8000")}`;
  await retry(30, async () => {
    if (!(await fetch(`${url}/rest/ready`)).ok) throw new Error("it is not ready");
  });
  return url;
}

/** Both are gone at once, as with their node: Litestream first, so that it sends no more. @returns when */
async function kill(): Promise<number> {
  const time = Date.now();
  await docker("kill", named("litestream"), named("antaeus"));
  await docker("rm", named("antaeus"), named("litestream"));
  return time;
}

/** The volume of the data, empty. */
async function emptyVolume(name: string): Promise<void> {
  await succeeds("docker", ["volume", "rm", "--force", named(name)]);
  const own = `fs.chownSync("/${name}", 1000, 1000)`;
  const node = ["--user", "0", "--entrypoint", "/node", image, "-e", own];
  await docker("run", "--rm", "--volume", `${named(name)}:/${name}`, ...node);
}

interface Answer {
  time: number;
  key: string;
  body: string;
  accepted: boolean;
}

const books = async (): Promise<Answer[]> =>
  (await docker("logs", named("books")))
    .split("\n")
    .filter(Boolean)
    .map((one) => JSON.parse(one));

const pay = (url: string) => fetch(`${url}/rest/v1/invoices/pay`, { method: "POST" });

/** Begins a pay run, and waits until payment has answered so many times. */
async function amid(url: string, answers: number): Promise<void> {
  pay(url).catch(() => {});
  await retry(60, async () => {
    if ((await books()).length < answers) throw new Error("the run is not that far");
  });
}

async function payAll(url: string): Promise<Invoice[]> {
  while (!(await (await pay(url)).json()));
  return invoices(url);
}

const bodyOf = ({ customerId, amount: { currency, value } }: Invoice) =>
  JSON.stringify({ currency, customer_id: customerId, value });

/** Of each invoice that was due, how often it was charged: under how many keys payment accepted it. */
async function charges(all: Invoice[]) {
  const keys = Map.groupBy(
    (await books()).filter(({ accepted }) => accepted),
    ({ body }) => body,
  );
  const first = new Map(all.toReversed().map(({ id, customerId }) => [customerId, id]));
  const due = all.filter(({ id, customerId }) => first.get(customerId) !== id);
  const counts = due.map((one) => new Set(keys.get(bodyOf(one))?.map(({ key }) => key)).size);
  return {
    due: due.length,
    once: counts.filter((count) => count === 1).length,
    all: new Set([...keys.values()].flat().map(({ key }) => key)).size,
  };
}

/** A backup with nothing in it, books with nothing in them, and Antaeus with its thousand invoices. */
async function begin(t: ExecutionContext): Promise<string> {
  await clean();
  await docker("network", "create", prefix);
  await emptyVolume("data");
  await emptyVolume("backup");
  const caller = ["--network-alias", "payment", "--env", "CALLER=anybody", payment];
  await docker("run", "--detach", "--name", named("payment"), ...hardened, ...caller);
  const node = ["--network-alias", "books", "--entrypoint", "/node", image, "-e", proxy];
  await docker("run", "--detach", "--name", named("books"), ...hardened, ...node);
  await t.throwsAsync(restore(), { message: /no matching backup files available/ });
  await replicate();
  return antaeus();
}

async function clean(): Promise<void> {
  const containers = ["antaeus", "litestream", "restore", "books", "payment"].map(named);
  await succeeds("docker", ["rm", "--force", ...containers]);
  await succeeds("docker", ["volume", "rm", "--force", named("data"), named("backup")]);
  await succeeds("docker", ["network", "rm", prefix]);
}

test.before(async () => {
  for (const [name, service] of [
    [image, "antaeus"],
    [payment, "payment"],
  ] as const)
    await docker("build", "--quiet", "--tag", name, "--file", `${service}-service/Dockerfile`, ".");
});
test.after.always(async () => {
  await clean();
  await docker("rmi", "--force", image, payment);
});

test.serial("the volume is lost amid a pay run: no invoice is lost or charged twice", async (t) => {
  await amid(await begin(t), 490);
  const killed = await kill();
  t.true((await books()).length < 975, "the run was under way");
  await emptyVolume("data");

  const begun = performance.now();
  await restore();
  await replicate();
  const url = await antaeus();
  const back = (performance.now() - begun) / 1000;

  const paid = new Set((await invoices(url)).filter(({ status }) => status === "PAID").map(bodyOf));
  const lost = (await books()).filter(({ accepted, body }) => accepted && !paid.has(body));
  const seconds = Math.max(0, ...lost.map(({ time }) => killed - time)) / 1000;
  t.log(
    `back after ${back.toFixed(1)} s, without the ${lost.length} accepted charges of the last ${seconds.toFixed(1)} s`,
  );
  t.true(seconds < 10);
  t.true(paid.size > 100);

  const all = await payAll(url);
  t.is(all.length, 1000);
  t.deepEqual(await charges(all), { due: 975, once: 975, all: 975 });

  // What was restored is backed up in its turn.
  await setTimeout(3000);
  await kill();
  await emptyVolume("data");
  await restore();
  const again = await antaeus();
  t.deepEqual(await invoices(again), all);
});

test.serial("a backup of an earlier moment: nobody is charged twice either", async (t) => {
  const url = await begin(t);
  await amid(url, 100);
  await setTimeout(3000);
  const moment = new Date().toISOString();
  const before = (await books()).length;
  await amid(url, before + 200);
  await kill();
  await emptyVolume("data");
  await restore(["-timestamp", moment]);
  await replicate();
  const again = await antaeus();
  const paid = (await invoices(again)).filter(({ status }) => status === "PAID").length;
  const said = (await books()).filter(({ accepted }) => accepted).length;
  t.log(`${said} charges were accepted, and ${paid - 25} were so at the moment that was restored`);
  t.true(paid - 25 < said - 50);
  const all = await payAll(again);
  t.deepEqual(await charges(all), { due: 975, once: 975, all: 975 });
});

test.serial(
  "make restore's program puts what was there beside, or leaves it as it is",
  async (t) => {
    const url = await begin(t);
    const before = await invoices(url);
    await setTimeout(3000);
    const moment = new Date().toISOString();
    await pay(url);
    await setTimeout(2000);
    const after = await invoices(url);
    const stop = async () => {
      await docker("stop", named("antaeus"));
      await docker("stop", named("litestream"));
      await docker("rm", named("antaeus"), named("litestream"));
    };
    const program = (...args: string[]) =>
      docker(
        ...["run", "--rm", ...hardened, ...volumes, ...to(), "--entrypoint", "/node", image],
        ...["-e", restoreProgram, ...args],
      );
    await stop();
    const early = program("2020-01-01T00:00:00Z", "/data/before-1");
    await t.throwsAsync(early, { message: /no matching backup files available/ });
    await replicate();
    t.deepEqual(await invoices(await antaeus()), after);
    await stop();
    await program(moment, "/data/before-2");
    await replicate();
    const again = await antaeus();
    t.deepEqual(await invoices(again), before);
    const list = ["--entrypoint", "/node", image, "-p", "fs.readdirSync('/data/before-2').join()"];
    t.regex(await docker("run", "--rm", ...volumes, ...list), /\bantaeus\.db\b/);
    // It goes on from there, and so does the backup.
    const all = await payAll(again);
    t.like(await charges(all), { due: 975, once: 975 });
    await setTimeout(3000);
    await kill();
    await emptyVolume("data");
    await restore();
    t.deepEqual(await invoices(await antaeus()), all);
  },
);

test.serial("control: without the backup customers are charged again", async (t) => {
  await amid(await begin(t), 490);
  await kill();
  await emptyVolume("data");
  const all = await payAll(await antaeus());
  const { all: charged } = await charges(all);
  t.log(`975 invoices were due, and ${charged} charges were accepted`);
  t.true(charged > 975 + 100);
});

test.serial("killed amid a restore, it is restored by the next start", async (t) => {
  const url = await begin(t);
  const all = await invoices(url);
  await setTimeout(3000);
  await kill();
  await emptyVolume("data");
  const left: string[] = [];
  // Between a moment at which nothing is there yet and one at which all is.
  let [early, late] = [0, 3000];
  for (let tried = 0; tried < 40 && !left.at(-1)?.includes("tmp"); tried++) {
    if (tried % 10 === 0) [early, late] = [0, 3000];
    const time = early + Math.random() * (late - early);
    // Slow enough to be killed amid it.
    const options = ["--detach", "--name", named("restore"), "--cpus", "0.05", ...to()];
    await litestream(options, ...restoring, file);
    await setTimeout(time);
    await succeeds("docker", ["kill", named("restore")]);
    await docker("rm", named("restore"));
    const list = ["--entrypoint", "/node", image, "-p", "fs.readdirSync('/data').sort().join()"];
    const files = await docker("run", "--rm", ...volumes, ...list);
    left.push(files);
    if (files === "") early = time;
    else late = time;
    if (files.includes("antaeus.db") && !files.includes("tmp")) await emptyVolume("data");
  }
  t.log(`what was left in the volume: ${left.map((files) => files || "nothing").join("; ")}`);
  t.true(left.at(-1)?.includes("tmp"));
  await restore();
  t.deepEqual(await invoices(await antaeus()), all);
});

test.serial("without its backup Antaeus goes on, and says how old it is", async (t) => {
  const url = await begin(t);
  const age = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const [, time] = /^antaeus_backup_last_success_time_seconds (.*)$/m.exec(metrics) ?? [];
    return Date.now() / 1000 - Number(time);
  };
  await setTimeout(3000);
  t.true((await age()) < 3);
  await docker("kill", named("litestream"));
  await setTimeout(3000);
  const old = await age();
  t.true(old > 3 && old < 60, `${old}`);
  t.is((await pay(url)).status, 200);
  t.true((await books()).length >= 975);
});

test.serial("another place is an error, and nothing is made", async (t) => {
  await begin(t);
  await setTimeout(2000);
  await kill();
  await emptyVolume("data");
  await t.throwsAsync(restore([], "/typo"), { message: /no matching backup files available/ });
});
