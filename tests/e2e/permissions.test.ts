import test from "ava";
import { retry, waitFor } from "../../tools/cli/progress.ts";
import type { ArgoCD } from "../../tools/kubernetes/argocd.ts";
import { permissions, type Target, type Who } from "../access/permissions.ts";
import { permissionTable } from "../access/tables.ts";
import { as, asMemberOf } from "./support/argocd.ts";
import { head, kubectl, untilLive } from "./support/cluster.ts";
import { record } from "./support/report.ts";

const users = ["local-antaeus", "local-payment", "local-platform", "local-nobody"] as const;
const applications = ["antaeus", "argocd", "payment", "root"];

const who = (user: (typeof users)[number], application: string): Who => {
  if (user === "local-platform") return "platform";
  if (user === "local-nobody") return "no team";
  return user === `local-${application}` ? "own team" : "another team";
};

/** Argo CD says 403 to who may not; to a shell, which is off, 404. */
const isRefusal = (status: number, path: string) =>
  status === 403 || (path.includes("/terminal") && status === 404);

const sessions = Object.fromEntries(
  await Promise.all(users.map(async (user) => [user, await as(user)])),
) as Record<(typeof users)[number], ArgoCD>;

async function targets(): Promise<Target[]> {
  const admin = await as("admin");
  return Promise.all(
    applications.map(async (name) => {
      const { spec } = (await admin.call("GET", `applications/${name}`)).body;
      const { body: appProject } = await admin.call("GET", `projects/${spec.project}`);
      const { project, destination } = spec;
      return { name, project, namespace: destination.namespace, spec, appProject };
    }),
  );
}

/**
 * Argo CD compares an Application with what its last operation applied: after one with manifests from elsewhere, with
 * those, whatever Git says. So the last one here is a sync from Git.
 */
test.after.always(async () => {
  const admin = await as("admin");
  for (const name of applications) {
    await retry(60, async () => {
      const { status, body } = await admin.call("POST", `applications/${name}/sync`, { name });
      if (status !== 200) throw new Error(`${name}: ${body.message}`);
    });
  }
  await untilLive(head);
});

test.serial("every cell of the table answers as the table says", async (t) => {
  const calls = [];
  for (const target of await targets()) {
    for (const { action, allowed, call } of permissions) {
      for (const user of users) {
        const { method, path, body } = call(target);
        const answer = await sessions[user].call(method, path, body);
        const column = who(user, target.name);
        const wanted = allowed.includes(column);
        const found = !isRefusal(answer.status, path);
        const said = answer.body?.message ?? answer.body?.error?.message ?? "";
        const from = `${user} → ${target.name}`;
        const answered = `${answer.status} ${said}`;
        calls.push({
          row: action,
          column,
          from,
          wanted,
          found,
          called: `${method} ${path}`,
          answered,
        });
      }
    }
  }
  record("permissions", { title: "Who may do what", ...permissionTable, calls });
  for (const { row, from, wanted, found, answered } of calls)
    t.is(found, wanted, `${from}: ${row}: ${answered}`);
  t.log(`${calls.length} calls`);
});

test.serial("without a session nothing is answered", async (t) => {
  for (const path of ["applications", "projects", "clusters", "repositories", "account"]) {
    const response = await fetch(`${sessions["local-nobody"].url}/api/v1/${path}`);
    t.is(response.status, 401, path);
  }
});

/** The names of the applications in a list that Argo CD answered. */
const listed = ({ items }: { items?: { metadata: { name: string } }[] }) =>
  (items ?? []).map(({ metadata }) => metadata.name).sort();

test.serial("lists show a team its own application, and a login in no team none", async (t) => {
  for (const [user, names] of [
    ["local-antaeus", ["antaeus"]],
    ["local-payment", ["payment"]],
    ["local-nobody", []],
    ["local-platform", applications],
  ] as const) {
    const { body } = await sessions[user].call("GET", "applications");
    t.deepEqual(listed(body), names, user);
  }
});

test.serial("a group of the single sign-on is its team, or nobody's", async (t) => {
  for (const [group, names] of [
    ["antaeus", ["antaeus"]],
    ["payment", ["payment"]],
    ["platform", applications],
    ["somebody-else", []],
  ] as const) {
    const { status, body } = await (await asMemberOf(group)).call("GET", "applications");
    t.is(status, 200, body.message);
    t.deepEqual(listed(body), names, group);
  }
});

test.serial(
  "each team's role is alive: one malformed line would silence all of them",
  async (t) => {
    for (const user of ["local-antaeus", "local-payment"] as const) {
      const application = user.slice("local-".length);
      const { body } = await sessions[user].call(
        "GET",
        `account/can-i/logs/get/${application}/${application}`,
      );
      t.is(body.value, "yes", user);
    }
  },
);

test.serial("the control: one line that grants too much turns its cell", async (t) => {
  const see = () => sessions["local-payment"].call("GET", "applications/antaeus");
  const grant = (line: string | null) =>
    kubectl.run([
      ...["patch", "configmap", "argocd-rbac-cm", "-n", "argocd", "--type=merge", "--patch"],
      JSON.stringify({ data: { "policy.control.csv": line } }),
    ]);
  t.is((await see()).status, 403);
  await grant("p, proj:payment:team, applications, get, antaeus/antaeus, allow");
  t.teardown(() => grant(null));
  const granted = await waitFor(30, async () => (await see()).status === 200 || undefined);
  t.true(granted);
});
