import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { digestOf } from "../../tools/images/build.ts";
import { localRegistry } from "../../tools/local/registry.ts";
import { onGitHub, registry } from "../support/owner.ts";
import {
  antaeus,
  commitFiles,
  currentInvoices,
  fromAntaeus,
  kubectl,
  pods,
  restore,
  untilLive,
} from "./support/cluster.ts";

const overlay = (service: string) => `apps/${service}/overlays/testing/kustomization.yaml`;
const component = "apps/antaeus/components/published-original/kustomization.yaml";
const files = [
  "payment-service/tests/published-original.ts",
  "tests/support/published-original.ts",
];

/** Makes the image of the stand-in, whose own user is root, as the published image's is. @returns its digest */
async function pushImage(): Promise<string> {
  const [payment] = await pods("payment");
  const name = payment?.spec.containers[0]?.image.split("@")[0] ?? "";
  const image = `${localRegistry}/${onGitHub.toLowerCase()}/antaeus-original:e2e`;
  const folder = mkdtempSync(join(tmpdir(), "pe-gitops-e2e-"));
  try {
    for (const file of files) cpSync(file, join(folder, file));
    const dockerfile = [
      `FROM ${name.replace(/^[^/]+/, localRegistry)}`,
      "COPY . /",
      "USER 0",
      `ENTRYPOINT ["/node", "/${files[1]}"]`,
    ];
    writeFileSync(join(folder, "Dockerfile"), dockerfile.join("\n"));
    await run("docker", ["build", "--quiet", "--tag", image, folder]);
    await run("docker", ["push", "--quiet", image]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return (await digestOf(image)) as string;
}

/** Replaces Antaeus, as the component says. */
const original = (digest: string) => ({
  [component]: (text: string) => text.replace("newTag: unpublished", `digest: ${digest}`),
  [overlay("antaeus")]: (text: string) =>
    text
      .replace("  - ../../pay-run\n", "")
      .replace("images:", "  - ../../components/published-original\nimages:"),
});

/** Lets payment charge for it. */
const keyless = {
  [overlay("payment")]: (text: string) => text.replace("known-caller", "keyless-caller"),
};

async function pay(): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${antaeus}/rest/v1/invoices/pay`, {
    method: "POST",
    headers: { connection: "close" },
  });
  return { status: response.status, body: await response.json() };
}

const paid = async () => (await currentInvoices()).filter(({ status }) => status === "PAID").length;

test.after.always(restore);

test.serial("the challenge's own Antaeus pays with our payment", async (t) => {
  const before = await currentInvoices();
  const digest = await pushImage();

  // The control: payment that asks for a token charges for nobody without one.
  await untilLive(await commitFiles(original(digest)));
  t.is((await currentInvoices()).length, 10);
  t.is((await pay()).status, 500);
  t.is(await paid(), 2);

  await untilLive(await commitFiles({ ...original(digest), ...keyless }));
  const [pod] = await pods("antaeus");
  t.is(pod?.spec.containers[0]?.image, `${registry}/antaeus-original@${digest}`);
  t.is(await fromAntaeus("return process.getuid();"), 1000, "restricted, whatever its image says");

  const { status, body } = await pay();
  t.is(status, 200);
  t.is(body, (await paid()) === 10, "true when every charge was accepted");

  // Charges of its client, from its pod: each another one, since payment knows a repeat.
  const accepted: number = await fromAntaeus(`
    const { Client } = await import("file:///${files[0]}");
    const client = new Client("payment.app-payment", 9000, false);
    let accepted = 0;
    for (let i = 0; i < 400; i++) accepted += await client.charge({ id: i, customerId: 1, value: 10.25 + i });
    client.close();
    return accepted;`);
  t.log(`${accepted} of 400 charges accepted`);
  // Six standard deviations.
  t.true(Math.abs(accepted - 200) <= 60, `${accepted} of 400`);
  const logs = ["logs", "-n", "app-payment", "-l", "app.kubernetes.io/name=payment", "--tail=20"];
  t.regex(await kubectl.run(logs), /"currency":"unknown"/);

  await restore();
  t.deepEqual(await currentInvoices(), before, "our Antaeus has its invoices as they were");
});
