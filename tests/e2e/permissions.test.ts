import test from "ava";
import { retry, waitFor } from "../../tools/cli/progress.ts";
import type { ArgoCD } from "../../tools/kubernetes/argocd.ts";
import { permissions, refused, type Target, type Who } from "../access/permissions.ts";
import { permissionTable } from "../access/tables.ts";
import { type Call, matrix } from "../support/results.ts";
import { as, asMemberOf } from "./support/argocd.ts";
import { application, autoSync, head, kubectl, untilLive } from "./support/cluster.ts";
import { record } from "./support/report.ts";

const users = ["local-antaeus", "local-payment", "local-platform", "local-nobody"] as const;
const applications = ["antaeus", "argocd", "monitoring", "payment", "rollouts", "root"];

const who = (user: (typeof users)[number], application: string): Who => {
  if (user === "local-platform") return "platform";
  if (user === "local-nobody") return "no team";
  return user === `local-${application}` ? "own team" : "another team";
};

/** Argo CD says 403 to who may not; to a shell, which is off, 404, and to what it does not have, 501. */
const isRefusal = (status: number, path: string) =>
  [403, 501].includes(status) || (path.includes("/terminal") && status === 404);

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
  const calls: Call[] = [];
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
  record("permissions", matrix("Who may do what", permissionTable, calls));
  for (const { row, from, wanted, found, answered } of calls)
    t.is(found, wanted, `${from}: ${row}: ${answered}`);
  t.log(`${calls.length} calls`);
});

/** A value with a merge patch applied. */
function merged(value: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const before = { ...(value as Record<string, unknown>) };
  for (const [key, one] of Object.entries(patch)) before[key] = merged(before[key], one);
  return before;
}

/** Changes payment's Application, or tries a sync of it, as somebody who may do either. */
async function tryOn(user: ArgoCD, { patch, sync }: (typeof refused)[number]) {
  const [name, path] = ["payment", "applications/payment"];
  if (sync) return user.call("POST", `${path}/sync`, { name, dryRun: true, ...sync });
  if (!patch?.spec) {
    const change = { name, patch: JSON.stringify(patch), patchType: "merge" };
    return user.call("PATCH", path, change);
  }
  const { spec } = await application(name);
  const changed = merged(spec, patch.spec) as { source: object; sources?: object[] };
  // Whole sources: Argo CD looks at their form first.
  const sources = changed.sources?.map((one) => ({ ...changed.source, ...one }));
  const body = { ...changed, ...(sources && { sources }) };
  return user.call("PUT", `${path}/spec?validate=false`, body);
}

test.serial("what comes from Git alone is refused to everybody", async (t) => {
  const before = (await application("payment")).spec;
  for (const one of refused) {
    for (const user of ["local-payment", "local-platform"] as const) {
      const { status, body } = await tryOn(sessions[user], one);
      const said = `${user}: ${one.action}: ${status} ${body.message}`;
      t.true([400, 403].includes(status), said);
      // By the policy, or before that because the project has no such place.
      t.regex(
        body.message,
        /ValidatingAdmissionPolicy 'applications'|not permitted in project|allowed destinations/i,
        said,
      );
    }
  }
  t.deepEqual((await application("payment")).spec, before);
  t.log(`${refused.length} changes, by two users each`);
});

const policy = "validatingadmissionpolicybinding";

test.serial("the control: without the policy it sticks, and nothing says so", async (t) => {
  // Those that change nothing of what runs.
  const harmless = refused.filter(({ action }) =>
    /spec.info|revisionHistoryLimit|lead the UI|change a label/.test(action),
  );
  t.is(harmless.length, 4);
  await autoSync("root", false);
  t.teardown(() => autoSync("root", true));
  await kubectl.run(["delete", policy, "applications"]);
  for (const one of harmless)
    t.truthy(
      await waitFor(20, async () => {
        const { status } = await tryOn(sessions["local-payment"], one);
        return status === 200 || undefined;
      }),
      one.action,
    );
  const left = () =>
    kubectl.run([
      ...["get", "applications.argoproj.io", "payment", "-n", "argocd", "-o"],
      "jsonpath={.spec.info[0].name} {.spec.revisionHistoryLimit} {.metadata.labels.a}",
    ]);
  t.is(await left(), "a 5 b");
  // The root makes all as Git has it, and calls that Synced.
  await autoSync("root", true);
  await untilLive(head);
  t.is(await left(), "a 5 b");
  t.regex(await kubectl.run(["get", policy, "applications", "-o", "name"]), /applications/);

  const undo = [
    ...["/spec/info", "/spec/revisionHistoryLimit", "/metadata/labels/a"],
    "/metadata/annotations/argocd.argoproj.io~1managed-by-url",
  ].map((path) => ({ op: "remove", path }));
  const patch = ["patch", "applications.argoproj.io", "payment", "-n", "argocd", "--type=json"];
  await kubectl.run([...patch, "--patch", JSON.stringify(undo)]);
});

test.serial("a member of a team's group makes no token of its role", async (t) => {
  const token = "projects/payment/roles/team/token";
  const make = async () => (await asMemberOf("payment")).call("POST", token, { expiresIn: 5 });
  t.is((await make()).status, 403);

  // The control: a group that the role itself names.
  await autoSync("root", false);
  t.teardown(() => autoSync("root", true));
  const groups = (value: string[] | null) =>
    kubectl.run([
      ...["patch", "appprojects.argoproj.io", "payment", "-n", "argocd", "--type=json", "--patch"],
      JSON.stringify([{ op: value ? "add" : "remove", path: "/spec/roles/0/groups", value }]),
    ]);
  await groups(["payment"]);
  const made = await retry(30, async () => {
    const answer = await make();
    if (answer.status !== 200) throw new Error(answer.body.message);
    return answer;
  });
  t.truthy(made.body.token);
  await groups(null);
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
