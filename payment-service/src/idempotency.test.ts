import test from "ava";
import { service, valid } from "../tests/helpers.ts";
import { fingerprint, IdempotencyKeys, isBoundToOtherCharge, shareOf } from "./idempotency.ts";

const other = { ...valid, value: 1 };
const quoted = (key: string) => ({ "idempotency-key": `"${key}"` });
const boundTo = (charge: typeof valid, id: string) => quoted(`${id}.sha256-${fingerprint(charge)}`);

test("one key and charge have one answer, on every replica", async (t) => {
  const replicas = [await service(), await service()] as const;
  const answers = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const key = i % 2 ? quoted(`invoice-${i}`) : boundTo(valid, `invoice-${i}`);
    const [one, two, again] = [
      await replicas[0].charge(valid, key),
      await replicas[1].charge(valid, key),
      await replicas[0].charge(valid, key),
    ];
    t.is(one.statusCode, 200);
    t.is(one.payload, two.payload);
    t.is(one.payload, again.payload);
    answers.add(one.payload);
  }
  t.is(answers.size, 2, "keys differ in their answers");
});

test("the answers that keys have had stay what they are", async (t) => {
  const { charge } = await service();
  let answers = "";
  for (let i = 0; i < 16; i++) {
    const { result } = await charge(valid, quoted(`invoice-${i}`));
    answers += Number((result as { result: boolean }).result);
  }
  t.is(
    answers,
    "0100111101001010",
    "another hash would charge twice who repeats across an upgrade",
  );
});

test("a key that names the terms of its first attempt has one answer, whatever share a replica accepts", async (t) => {
  const shares = ["0", "0.3", "0.5", "1"];
  const replicas = await Promise.all(shares.map((share) => service({ ACCEPTANCE_SHARE: share })));
  let flipped = 0;
  for (let i = 0; i < 40; i++) {
    const answers = async (key: Record<string, string>) => {
      const all = await Promise.all(replicas.map(({ charge }) => charge(valid, key)));
      return new Set(all.map(({ payload }) => payload)).size;
    };
    t.is(await answers(boundTo(valid, `invoice-${i}.share-0.3`)), 1);
    const [, accepting] = replicas;
    // Who begins to name terms amid attempts is answered as before, by a replica with these.
    t.is(
      (await accepting?.charge(valid, boundTo(valid, `invoice-${i}`)))?.payload,
      (await accepting?.charge(valid, boundTo(valid, `invoice-${i}.share-0.3`)))?.payload,
    );
    // The control: without terms the replicas of these shares differ.
    if ((await answers(boundTo(valid, `invoice-${i}`))) > 1) flipped++;
  }
  t.is(flipped, 40);
});

test("a key with terms is accepted as often as these say", async (t) => {
  const { server, charge } = await service({ ACCEPTANCE_SHARE: "0.2" });
  const { payload } = await server.inject("/api/v1/terms");
  t.deepEqual(JSON.parse(payload), { acceptance_share: 0.2 });
  for (const [share, expected] of [
    ["0", 0],
    ["1", 30],
  ] as const) {
    let accepted = 0;
    for (let i = 0; i < 30; i++)
      accepted += Number(
        (await charge(valid, boundTo(valid, `${i}.share-${share}`))).payload === '{"result":true}',
      );
    t.is(accepted, expected, share);
  }
});

test("terms are a share from 0 to 1, of a key that is bound", (t) => {
  const print = `.sha256-${"A".repeat(43)}"`;
  for (const share of [0, 1, 0.5, 0.3, 0.1 + 0.2, 1 / 70, 1e-7]) {
    t.is(shareOf(`"x.share-${share}${print}`), share);
  }
  for (const key of [
    `"x${print}`,
    `"x.share-1.1${print}`,
    `"x.share-${print}`,
    `"x.share-half${print}`,
    `"x.share-0.5"`,
    `"x.share-0.5.y${print}`,
  ])
    t.is(shareOf(key), undefined, key);
  t.is(shareOf(undefined), undefined);
});

test("however a charge is written, it is the same", async (t) => {
  const { charge } = await service();
  const key = boundTo({ ...valid, value: 10 }, "x");
  t.is((await charge('{"value":10,"currency":"EUR","customer_id":7}', key)).statusCode, 200);
  t.is(
    (await charge('{ "customer_id": 7, "currency": "EUR", "value": 1.0e1 }', key)).statusCode,
    200,
  );
});

test("the fingerprint is SHA-256 of the canonical JSON", (t) => {
  // printf '{"currency":"EUR","customer_id":7,"value":374.72}' | openssl dgst -sha256 -binary | basenc --base64url
  const charge = { value: 374.72, currency: "EUR", customer_id: 7 };
  t.is(fingerprint(charge), "TvMe9Z-KtXmkIIWs-SJfEaAnZicnmUQHIyVHiRNX1WY");
  // An unknown currency is what was sent: {"currency":{},"customer_id":7,"value":374.72}
  t.is(fingerprint({ ...charge, currency: {} }), "JJ4OldWkWECpoatzLffWZnotedx6ObmelofjdKlUdvI");
});

for (const [field, value] of [
  ["currency", "USD"],
  ["currency", {}],
  ["value", 1],
  ["customer_id", 8],
] as const) {
  const changed = { ...valid, [field]: value };

  test(`a key that came with another ${field}, ${JSON.stringify(value)}, is 422, until it comes with its own`, async (t) => {
    const { charge, lines } = await service();
    const key = quoted("opaque");
    const first = await charge(valid, key);
    const { statusCode, headers, result } = await charge(changed, key);
    t.is(statusCode, 422);
    t.is(headers["content-type"], "application/problem+json");
    t.deepEqual(result, {
      title: "Unprocessable Entity",
      status: 422,
      detail: "The Idempotency-Key is that of another charge: send a new key with this one",
    } as unknown as undefined);
    t.is((await charge(valid, key)).payload, first.payload);
    t.deepEqual(
      lines.map((line) => "result" in JSON.parse(line)),
      [true, false, true],
      "nothing is drawn for the other charge",
    );
  });

  test(`a bound key with another ${field}, ${JSON.stringify(value)}, is 422 where it was never seen`, async (t) => {
    const { charge } = await service();
    t.is((await charge(changed, boundTo(valid, "x"))).statusCode, 422);
    t.is((await charge(valid, boundTo(valid, "x"))).statusCode, 200);
    t.is((await charge(changed, boundTo(valid, "x"))).statusCode, 422);
  });
}

test("a charge that is refused leaves its key free", async (t) => {
  const { charge } = await service();
  t.is((await charge({ ...valid, value: -1 }, quoted("x"))).statusCode, 400);
  t.is((await charge(other, boundTo(valid, "y"))).statusCode, 422);
  t.is((await charge(other, quoted("x"))).statusCode, 200);
  t.is((await charge(valid, boundTo(valid, "y"))).statusCode, 200);
});

for (const [what, key] of [
  ["too short", `x.sha256-${"A".repeat(42)}`],
  ["too long", `x.sha256-${"A".repeat(44)}`],
  ["of another hash", `x.sha512-${"A".repeat(43)}`],
  ["not at the end", `x.sha256-${"A".repeat(43)}.`],
] as const) {
  test(`a fingerprint that is ${what} binds nothing`, (t) => {
    t.false(isBoundToOtherCharge(`"${key}"`, valid));
    t.true(isBoundToOtherCharge(`"x.sha256-${"A".repeat(43)}"`, valid));
  });
}

for (const key of ["8e03978e-40d5", "with space", '\\"', "\\\\", "~!#", "x".repeat(255)]) {
  test(`takes the key ${key.slice(0, 9)}`, async (t) => {
    const { charge } = await service();
    t.is((await charge(valid, quoted(key))).statusCode, 200);
  });
}

for (const key of [
  "bare",
  '""',
  '"open',
  'open"',
  '"tab\t"',
  '"caf\u00e9"',
  '"\\n"',
  '"a"b"',
  '"one", "two"',
  '"x";a=1',
  `"${"x".repeat(256)}"`,
]) {
  test(`refuses the malformed key ${key.slice(0, 12)}`, async (t) => {
    const { charge } = await service();
    const { statusCode, result } = await charge(valid, { "idempotency-key": key });
    t.is(statusCode, 400);
    t.regex((result as unknown as { detail: string }).detail, /idempotency-key.* must be/);
  });
}

test("the memory forgets the key used longest ago, and no other", (t) => {
  const memory = new IdempotencyKeys(2);
  t.true(memory.check("a", "1"));
  t.true(memory.check("b", "1"));
  t.true(memory.check("a", "1"), "a is the latest now");
  t.true(memory.check("c", "1"), "b makes room");
  t.false(memory.check("a", "2"));
  t.false(memory.check("c", "2"));
  t.false(memory.check("a", "2"), "what conflicts is not remembered");
  t.true(memory.check("b", "2"));
});

test("the memory has room for 10,000 keys", (t) => {
  const memory = new IdempotencyKeys();
  for (let i = 0; i < 10_001; i++) memory.check(`key-${i}`, "1");
  t.false(memory.check("key-1", "2"));
  t.true(memory.check("key-0", "2"));
});
