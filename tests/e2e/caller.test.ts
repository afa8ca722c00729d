import { createSign } from "node:crypto";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { tokens } from "../support/results.ts";
import { fromAntaeus, kubectl } from "./support/cluster.ts";
import { record } from "./support/report.ts";

/** A token of a service account, from the cluster's issuer. */
const token = (account: string, namespace: string, audience: string) =>
  kubectl.run([
    ...["create", "token", account, "-n", namespace, "--audience", audience, "--duration=10m"],
  ]);

const decode = (part = "") => JSON.parse(Buffer.from(part, "base64url").toString());
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** The right token as it will be in an hour: expired, and signed by the issuer's own key all the same. */
async function expired(right: string): Promise<string> {
  const [node = ""] = (await kubectl.run(["get", "nodes", "-o", "name"])).split("\n");
  const path = "/etc/kubernetes/pki/sa.key";
  const key = await run("docker", ["exec", node.replace("node/", ""), "cat", path]);
  const [header, payload] = right.split(".").map((part, index) => (index < 2 ? decode(part) : {}));
  const past = Math.floor(Date.now() / 1000) - 3600;
  const signed = `${encode(header)}.${encode({ ...payload, iat: past, nbf: past, exp: past + 600 })}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}

/** The same charge from Antaeus' own pod, where the network lets it through, with any token. */
const charge = (token: string | undefined) =>
  fromAntaeus<{ status: number; detail?: string; result?: boolean }>(`
    const response = await fetch(process.env.PAYMENT_PROVIDER_ENDPOINT, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...${JSON.stringify(token === undefined ? {} : { authorization: `Bearer ${token}` })},
      },
      body: JSON.stringify({ currency: "EUR", value: 1.5, customer_id: 1 }),
    });
    return { status: response.status, ...(await response.json()) };`);

test("payment charges for Antaeus' token, and for no other", async (t) => {
  const right = await token("antaeus", "app-antaeus", "payment");
  const cases: [what: string, token: string | undefined, status: number][] = [
    ["Antaeus' token", right, 200],
    ["no token", undefined, 401],
    ["a token of another service account", await token("default", "app-antaeus", "payment"), 401],
    ["a token from another namespace", await token("default", "default", "payment"), 401],
    ["Antaeus' token for another audience", await token("antaeus", "app-antaeus", "invoices"), 401],
    ["Antaeus' token, expired", await expired(right), 401],
    ["Antaeus' token, changed", `${right.slice(0, -8)}AAAAAAAA`, 401],
  ];
  const items = [];
  for (const [what, token, status] of cases) {
    const answer = await charge(token);
    const answered = `${answer.status} ${answer.detail ?? ""}`;
    items.push({ what, expected: status, answered, result: answer.result });
  }
  record("caller", tokens("Whom payment charges for", items));
  for (const { what, expected, answered, result } of items) {
    t.is(Number.parseInt(answered, 10), expected, `${what}: ${answered}`);
    t.is(typeof result, expected === 200 ? "boolean" : "undefined", what);
  }
});

test("the token that the kubelet gives to Antaeus is the right one, and good for minutes only", async (t) => {
  const file = `return { token: require("node:fs").readFileSync(process.env.PAYMENT_TOKEN_FILE, "utf8") };`;
  const { token: mounted } = await fromAntaeus<{ token: string }>(file);
  const { aud, sub, exp, iat } = decode(mounted.split(".")[1]);
  t.deepEqual(aud, ["payment"]);
  t.is(sub, "system:serviceaccount:app-antaeus:antaeus");
  t.true(exp - iat <= 3607, `${exp - iat} s`);
  t.is((await charge(mounted.trim())).status, 200);
});
