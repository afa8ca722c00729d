import { kubectl, pods } from "./cluster.ts";

interface Helper {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  /** JavaScript that it runs; without one it waits. */
  script?: string;
  /** It is ready when it listens there. */
  port?: number;
  hostNetwork?: boolean;
}

/** Starts a pod that every namespace lets in. It is of payment's image: that has Node, and is on the node anyway. */
export async function startPod({ script = "setInterval(() => {}, 1e6)", ...pod }: Helper) {
  const [payment] = await pods("payment");
  const { name, namespace, labels, port, hostNetwork = false } = pod;
  const readinessProbe = { tcpSocket: { port }, periodSeconds: 1 };
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      hostNetwork,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "node",
          image: payment?.spec.containers[0]?.image,
          command: ["/node", "-e", script],
          ...(port && { readinessProbe }),
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
  await kubectl.run(["apply", "-f", "-"], JSON.stringify(manifest));
}

/** Ends when a pod is ready. */
export async function podReady(namespace: string, name: string): Promise<void> {
  const ready = ["--for=condition=Ready", "--timeout=1m"];
  await kubectl.run(["wait", `pod/${name}`, "-n", namespace, ...ready]);
}
