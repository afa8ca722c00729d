import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { kubectl } from "./cluster.ts";

interface Node {
  kind: string;
  name: string;
  health?: { status: string; message?: string };
}

/**
 * What Argo CD's UI shows of an Application: its resources down to the pods, each with its health.
 * Asked of the API as admin, through a port-forward.
 */
export async function resourceTree(application: string): Promise<Node[]> {
  const args = ["port-forward", "-n", "argocd", "service/argocd-server", ":80"];
  const forward = spawn("kubectl", ["--context", kubectl.context, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const port = await new Promise<string>((resolve, reject) => {
      createInterface(forward.stdout)
        .on("line", (line) => resolve(/127.0.0.1:(\d+)/.exec(line)?.[1] ?? ""))
        .on("close", () => reject(new Error("no port-forward to Argo CD")));
    });
    const api = `http://127.0.0.1:${port}/api/v1`;
    const body = JSON.stringify({ username: "admin", password: await adminPassword() });
    const json = { "content-type": "application/json" };
    const session = await fetch(`${api}/session`, { method: "POST", headers: json, body });
    const { token } = (await session.json()) as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    const tree = await fetch(`${api}/applications/${application}/resource-tree`, { headers });
    return ((await tree.json()) as { nodes: Node[] }).nodes;
  } finally {
    forward.kill();
  }
}

async function adminPassword(): Promise<string> {
  const args = ["get", "secret", "argocd-initial-admin-secret", "-n", "argocd"];
  const { data } = await kubectl.json<{ data: { password: string } }>(args);
  return Buffer.from(data.password, "base64").toString();
}
