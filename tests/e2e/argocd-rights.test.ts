import test from "ava";
import { retry } from "../../tools/cli/progress.ts";
import { as } from "./support/argocd.ts";
import { account, autoSync, head, kubectl, may, untilLive } from "./support/cluster.ts";

/** Runs bash in the part of Argo CD that renders commits. @returns what it printed, or why it failed */
const inRepoServer = (script: string): Promise<string> =>
  kubectl
    .run([
      ...["exec", "-n", "argocd", "deploy/argocd-repo-server", "-c", "argocd-repo-server"],
      ...["--", "bash", "-c", script],
    ])
    .catch(({ message }: Error) => message);

test.serial("Argo CD's parts change nothing as themselves", async (t) => {
  for (const name of ["argocd-application-controller", "argocd-server", "argocd-repo-server"])
    for (const [verb, resource] of [
      ["delete", "deployments.apps"],
      ["create", "pods"],
      ["patch", "services"],
      ["create", "rolebindings.rbac.authorization.k8s.io"],
    ] as const) {
      const what = `${name}: ${verb} ${resource}`;
      t.false(await may(account("argocd", name), verb, resource, "app-payment"), what);
    }
  t.false(await may(account("argocd", "argocd-server"), "get", "secrets", "app-payment"));
  t.false(
    await may(account("argocd", "argocd-server"), "impersonate", "serviceaccounts", "app-payment"),
  );
  // The control: the deployer, as whom they do.
  const deployer = account("argocd-deployers", "payment");
  t.true(await may(deployer, "delete", "deployments.apps", "app-payment"));
});

test.serial("nobody acts as the cluster's administrator by Argo CD's server", async (t) => {
  const platform = await as("local-platform");
  /** Looks at a pod of an Application, as it is. */
  const look = async (name: string, namespace: string) => {
    const pods = await kubectl.run(["get", "pods", "-n", namespace, "-o", "name"]);
    const resourceName = /^pod\/(.*)/.exec(pods)?.[1] ?? "";
    const query = new URLSearchParams({ namespace, version: "v1", kind: "Pod", resourceName });
    return platform.call("GET", `applications/${name}/resource?${query}`);
  };
  const restart = (name: string, namespace: string, resourceName: string) => {
    const deployment = { group: "apps", version: "v1", kind: "Deployment", resourceName };
    const body = { name, namespace, ...deployment, action: "restart" };
    return platform.call("POST", `applications/${name}/resource/actions/v2`, body);
  };
  /** Argo CD knows new pods a moment after Kubernetes does. */
  const answers = (wanted: RegExp, call: () => ReturnType<typeof look>) =>
    retry(30, async () => {
      const { status, body } = await call();
      const answer = `${status} ${body?.message ?? ""}`;
      if (!wanted.test(answer)) throw new Error(answer);
    });
  const refusal = /^403 .*argocd-server" cannot impersonate/;
  await answers(refusal, () => look("argocd", "argocd"));
  await answers(refusal, () => restart("argocd", "argocd", "argocd-redis"));
  // The control: as a team's deployer it does.
  await answers(/^200/, () => look("payment", "app-payment"));
  t.pass();
});

test.serial("a part that is removed leaves no account and no rights", async (t) => {
  const kinds = "serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,services";
  const names = await kubectl.run(["get", kinds, "-n", "argocd", "-o", "name"]);
  t.regex(names, /argocd-repo-server/);
  t.notRegex(names, /dex|applicationset/);
});

test.serial("what renders commits speaks Git by HTTP alone", async (t) => {
  const file = "git ls-remote file:///nowhere 2>&1 || true";
  t.regex(await inRepoServer(file), /transport 'file' not allowed/);
  t.regex(await inRepoServer("git ls-remote ssh://nowhere/x 2>&1 || true"), /'ssh' not allowed/);
  // The control: without the setting Git looks.
  t.regex(await inRepoServer(`unset GIT_ALLOW_PROTOCOL; ${file}`), /does not (exist|appear)/);
});

test.serial("files that a caller of the API uploads are not rendered", async (t) => {
  const { token } = await as("local-payment");
  const argocd = (command: string) =>
    kubectl
      .run([
        ...["exec", "-n", "argocd", "deploy/argocd-server", "--", "bash", "-c"],
        `${command} --server localhost:8080 --plaintext --auth-token ${token}`,
      ])
      .catch(({ message }: Error) => message.replaceAll(token, "..."));
  const folder = "/tmp/e2e-upload/apps/payment/overlays/testing";
  const upload = `mkdir -p ${folder} && echo 'resources: []' > ${folder}/kustomization.yaml`;
  const diff = "argocd app diff payment --local /tmp/e2e-upload --server-side-generate";
  t.regex(await argocd(`${upload} && ${diff}`), /exceeded max size/);
  // The control: the same client may ask for what Git says.
  t.regex(await argocd("argocd app manifests payment --source git"), /kind: Rollout/);
});

test.serial(
  "what renders commits reaches Redis and the Git endpoint, and nothing else",
  async (t) => {
    const service = (name: string, namespace: string) =>
      kubectl.run(["get", "service", name, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}"]);
    const reaches = async (host: string, port: number) =>
      (await inRepoServer(`timeout 3 bash -c '</dev/tcp/${host}/${port}'; echo $?`)).endsWith("0");
    const api = await service("kubernetes", "default");
    const server = await service("argocd-server", "argocd");
    t.true(await reaches(await service("argocd-redis", "argocd"), 6379));
    t.true(await reaches(await service("git", "git"), 80));
    t.false(await reaches(api, 443));
    t.false(await reaches(server, 80));

    // The control: without the policy both answer.
    await autoSync("argocd", false);
    t.teardown(async () => {
      await autoSync("argocd", true);
      await untilLive(head);
    });
    await kubectl.run(["delete", "networkpolicy", "argocd-repo-server-egress", "-n", "argocd"]);
    await retry(30, async () => {
      if (!(await reaches(api, 443)) || !(await reaches(server, 80)))
        throw new Error("blocked still");
    });
    t.pass();
  },
);
