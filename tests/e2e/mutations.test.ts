import test from "ava";
import { retry, waitFor } from "../../tools/cli/progress.ts";
import { edited, type Replacement } from "../support/edits.ts";
import { as } from "./support/argocd.ts";
import { account, charges, commit, kubectl, may, pods, restore } from "./support/cluster.ts";

/** A mistake that is merged, and a check of the cluster that it turns. */
interface LiveMutation extends Replacement {
  holds(): Promise<boolean>;
}

/** Whether Kubernetes would admit a pod on the node's own network. */
async function admits(namespace: string): Promise<boolean> {
  // One that may run here, so that only the level can refuse.
  const [running] = await pods("payment");
  const image = running?.spec.containers[0]?.image;
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "e2e-mutation", namespace },
    spec: { hostNetwork: true, containers: [{ name: "a", image }] },
  };
  return kubectl.run(["apply", "--dry-run=server", "-f", "-"], JSON.stringify(manifest)).then(
    () => true,
    ({ message }: Error) => {
      if (/violates PodSecurity/.test(message)) return false;
      throw new Error(message);
    },
  );
}

const mutations: LiveMutation[] = [
  {
    what: "a wrong label in a network policy: Antaeus charges no more",
    file: "clusters/base/namespaces/app-payment/network-policies.yaml",
    from: "              app.kubernetes.io/name: antaeus\n",
    to: "              app: antaeus\n",
    holds: () =>
      charges(1).then(
        ([answer]) => answer?.status === 200,
        () => false,
      ),
  },
  {
    what: "a malformed line in a project: the team's whole role is silent",
    file: "argocd/projects/antaeus.yaml",
    from: "logs, get, antaeus/*, allow",
    to: "logs get antaeus/* allow",
    holds: async () => {
      const team = await as("local-antaeus");
      return (await team.call("GET", "applications/antaeus")).status === 200;
    },
  },
  {
    what: "another team's deployer in a role binding: it may deploy there",
    file: "clusters/base/namespaces/app-payment/deployer.yaml",
    from: "    name: payment\n",
    to: "    name: antaeus\n",
    holds: async () => {
      const other = account("argocd-deployers", "antaeus");
      return !(await may(other, "create", "deployments.apps", "app-payment"));
    },
  },
  {
    what: "a looser level of a namespace: its pods may use the node's network",
    file: "clusters/base/namespaces/app-payment/namespace.yaml",
    from: "enforce: restricted",
    to: "enforce: privileged",
    holds: async () => !(await admits("app-payment")),
  },
];

for (const mutation of mutations) {
  test.serial(`merged all the same, and found on the cluster: ${mutation.what}`, async (t) => {
    t.true(await mutation.holds(), "without it");
    try {
      await commit(mutation.file, (text) => edited(text, mutation));
      const turned = await waitFor(90, async () => !(await mutation.holds()) || undefined);
      t.true(turned);
    } finally {
      await restore();
    }
    await retry(60, async () => {
      if (!(await mutation.holds())) throw new Error("it does not hold again");
    });
  });
}
