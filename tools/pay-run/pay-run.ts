import { styleText } from "node:util";
import { UserError } from "../cli/command.ts";
import { table } from "../cli/table.ts";
import { antaeusUrl } from "../kubernetes/kind.ts";
import { fairCoin, odds } from "./binomial.ts";

export interface Invoice {
  id: number;
  customerId: number;
  amount: { value: number; currency: string };
  status: "PENDING" | "PAID";
}

/** The invoices before and after a pay run, and how long the run took in milliseconds. */
export interface PayRun {
  before: Invoice[];
  after: Invoice[];
  milliseconds: number;
}

/**
 * Makes a pay run.
 * @param antaeus base URL of the service, such as http://localhost:30008
 * @throws UserError when nobody answers there
 */
export async function payRun(antaeus: string): Promise<PayRun> {
  const before = await invoices(antaeus);
  const begin = performance.now();
  await call(`${antaeus}/rest/v1/invoices/pay`, "POST");
  const milliseconds = performance.now() - begin;
  return { before, after: await invoices(antaeus), milliseconds };
}

export async function invoices(antaeus: string): Promise<Invoice[]> {
  return (await call(`${antaeus}/rest/v1/invoices`, "GET")) as Invoice[];
}

async function call(url: string, method: string): Promise<unknown> {
  // A kept connection would lead to the pod of before, after a rollout.
  const headers = { connection: "close" };
  const response = await fetch(url, { method, headers }).catch((error: Error) => {
    const why = (error.cause as Error)?.message || error.message;
    const isCluster = url.startsWith(antaeusUrl);
    const advice = isCluster
      ? " Is the cluster up? See make status, or start it with make up."
      : "";
    throw new UserError(`Antaeus does not answer at ${url} (${why}).${advice}`);
  });
  if (!response.ok)
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** What a pay run did, counted, in the order of the table's columns. */
export function count({ before, after }: PayRun, currency?: string) {
  const of = (all: Invoice[]) =>
    all.filter(({ amount }) => (currency ?? amount.currency) === amount.currency);
  const paid = (all: Invoice[]) => of(all).filter(({ status }) => status === "PAID").length;
  const [invoices, paidBefore, paidAfter] = [of(before).length, paid(before), paid(after)];
  const [tried, accepted] = [invoices - paidBefore, paidAfter - paidBefore];
  return { invoices, paidBefore, paidAfter, tried, accepted };
}

/** Whether the accepted share is what a fair coin gives. */
export function isFair(run: PayRun): boolean {
  const { tried, accepted } = count(run);
  const [least, most] = fairCoin(tried);
  return accepted >= least && accepted <= most;
}

/** A pay run for people: a table by currency, the time it took, and the verdict. */
export function report(run: PayRun): string {
  const currencies = [...new Set(run.before.map(({ amount }) => amount.currency))];
  const row = (name: string, counted: ReturnType<typeof count>) => {
    const share = counted.accepted / counted.tried;
    return [
      name,
      ...Object.values(counted),
      counted.tried ? `${bar(share)} ${percent(share)}` : "",
    ];
  };
  const total = count(run);
  const [least, most] = fairCoin(total.tried);
  return [
    "",
    table([
      ["currency", "invoices", "PAID before", "PAID after", "tried", "accepted", "share"],
      ...currencies.map((currency) => row(currency, count(run, currency))),
      row("all", total),
    ]),
    "",
    `  ${total.paidAfter} of ${total.invoices} invoices are PAID, ${total.paidBefore} were before; the run took ${(run.milliseconds / 1000).toFixed(2)} s.`,
    total.tried === 0
      ? `  ${styleText("yellow", "!")} Nothing was pending, so this says nothing about payment. More invoices: raise CUSTOMERS in apps/antaeus/overlays/testing and commit.`
      : `  ${isFair(run) ? styleText("green", "✔") : styleText("red", "✘")} Accepted: ${total.accepted} of ${total.tried}. A fair coin gives ${least} to ${most}, all but once in ${(1 / odds).toLocaleString("en")} runs.`,
    "",
  ].join("\n");
}

const percent = (share: number) => `${(share * 100).toFixed(1).padStart(5)} %`;

/** A bar of 20 characters. */
function bar(share: number): string {
  const filled = Math.round(share * 20);
  return styleText("green", "█".repeat(filled)) + styleText("dim", "░".repeat(20 - filled));
}
