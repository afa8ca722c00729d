import type { Kubectl } from "../kubernetes/cluster.ts";

/** What payment answered to a charge. */
export interface Charge {
  status: number;
  result: boolean;
}

/** Runs JavaScript in Antaeus' pod, in the cluster's network. @returns what it returns */
export async function inAntaeus<T>(kubectl: Kubectl, script: string): Promise<T> {
  const print = `(async () => console.log(JSON.stringify(await (async () => {${script}})())))()`;
  const args = ["exec", "deployment/antaeus", "-n", "app-antaeus", "--", "/node", "-e", print];
  return JSON.parse(await kubectl.run(args));
}

/**
 * Charges as Antaeus does: from its pod, with its token. No invoice changes.
 * @returns the answers, in order
 */
export function chargesOfAntaeus(kubectl: Kubectl, count: number): Promise<Charge[]> {
  return inAntaeus(
    kubectl,
    `
    const answers = [];
    for (let i = 0; i < ${count}; i++) {
      const response = await fetch(process.env.PAYMENT_PROVIDER_ENDPOINT, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: "Bearer " + require("node:fs").readFileSync(process.env.PAYMENT_TOKEN_FILE),
        },
        body: JSON.stringify({ currency: "EUR", value: 374.7234987654321, customer_id: 1 }),
      });
      answers.push({ status: response.status, ...(await response.json()) });
    }
    return answers;`,
  );
}
