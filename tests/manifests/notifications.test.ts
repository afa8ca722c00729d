import test from "ava";
import { parse } from "yaml";
import type { Manifest } from "../../tools/render/manifests.ts";
import { Repository } from "../support/repository.ts";

const repository = new Repository();

/** The parts of a configuration of Argo CD's notifications, and the Applications' schema beside it. */
interface Notifications {
  data: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: OpenAPI
  schema: any;
}

async function notifications(folder: string): Promise<Notifications> {
  const manifests = await repository.render(folder);
  const find = (kind: string, name: string) =>
    manifests.find((one) => one.kind === kind && one.metadata.name === name) as Manifest;
  const crd = find("CustomResourceDefinition", "applications.argoproj.io");
  return {
    data: find("ConfigMap", "argocd-notifications-cm").data,
    schema: crd.spec.versions[0].schema.openAPIV3Schema,
  };
}

const named = (data: Notifications["data"], prefix: string) =>
  Object.entries(data).flatMap(([key, text]) =>
    key.startsWith(`${prefix}.`) ? [[key.slice(prefix.length + 1), text] as const] : [],
  );

/**
 * What Argo CD would find only when there is something to say, and then only in its log.
 * @returns each offence in a sentence; none is as it should be
 */
function offences({ data, schema }: Notifications): string[] {
  const found: string[] = [];
  const services = named(data, "service.webhook").map(([name]) => name);
  const triggers = named(data, "trigger");
  const templates = named(data, "template");
  const has = (list: (readonly [string, string])[], name: string) =>
    list.some(([other]) => other === name);

  for (const { recipients, triggers: subscribed } of parse(data.subscriptions ?? "[]")) {
    for (const name of subscribed) if (!has(triggers, name)) found.push(`no trigger ${name}`);
    for (const name of recipients) if (!services.includes(name)) found.push(`no service ${name}`);
  }
  for (const [name, text] of triggers) {
    const subscriptions = JSON.stringify(parse(data.subscriptions ?? "[]"));
    if (!subscriptions.includes(`"${name}"`)) found.push(`nobody subscribes to ${name}`);
    for (const { when, oncePer, send } of parse(text)) {
      if (!when || !oncePer) found.push(`${name}: needs when and oncePer`);
      for (const template of send) {
        if (!has(templates, template)) found.push(`${name}: no template ${template}`);
      }
    }
  }
  for (const [name, text] of templates) {
    if (!triggers.some(([, trigger]) => parse(trigger)[0].send.includes(name)))
      found.push(`no trigger sends ${name}`);
    for (const [service, request] of Object.entries<Request>(parse(text).webhook)) {
      if (!services.includes(service)) found.push(`${name}: no service ${service}`);
      found.push(...ofStatus(request).map((offence) => `${name}: ${offence}`));
    }
  }
  for (const [name, text] of [...triggers, ...templates]) {
    for (const [, path] of text.matchAll(/\bapp((?:\??\.\w+)+)/g)) {
      const fields = (path as string).replaceAll("?", "").slice(1).split(".");
      if (!isField(schema, fields)) found.push(`${name}: Applications have no ${fields.join(".")}`);
    }
  }
  return found;
}

interface Request {
  method: string;
  path: string;
  body: string;
}

/** A commit status as GitHub takes it: POST /repos/{owner}/{repo}/statuses/{sha}. */
function ofStatus({ method, path, body }: Request): string[] {
  const found: string[] = [];
  if (method !== "POST") found.push("must POST");
  if (!/^repos\/x\/statuses\/x$/.test(path.replace(/{{.*?}}/g, "x"))) found.push("wrong path");
  try {
    // What a template puts in brings its own quotes.
    const said = body.replace(/{{ (\$\w+ :?= |range |if |end)[^}]*}}/g, "");
    const filled = said.replace(/{{[^}]*\| toJson }}/g, '"x"');
    const status = JSON.parse(filled);
    if (Object.keys(status).join() !== "context,state,description") found.push("wrong fields");
    if (!["error", "failure", "pending", "success"].includes(status.state))
      found.push("wrong state");
    if (status.description.length > 140) found.push("GitHub takes 140 characters");
  } catch {
    found.push("no JSON");
  }
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: OpenAPI
function isField(schema: any, [first, ...rest]: string[]): boolean {
  if (first === undefined) return true;
  // Kubernetes knows the metadata.
  if (first === "metadata") return rest.join() === "name";
  const { [first]: field } = schema.properties ?? {};
  return field !== undefined && isField(field, rest);
}

for (const folder of ["argocd", "clusters/local/argocd"]) {
  test(`notifications of ${folder}: whoever is named is there, and each call is one that GitHub takes`, async (t) => {
    const { data, schema } = await notifications(folder);
    t.deepEqual(offences({ data, schema }), []);
    t.is(named(data, "trigger").length, 3);
  });
}

test("the checks themselves: each of these is found", async (t) => {
  const { data, schema } = await notifications("argocd");
  for (const [key, from, to, offence] of [
    ["subscriptions", "on-deployed", "on-deploy", "no trigger on-deploy"],
    ["subscriptions", "on-deployed, ", "", "nobody subscribes to on-deployed"],
    ["subscriptions", "[github]", "[chat]", "no service chat"],
    ["trigger.on-deployed", "[deployed]", "[deploy]", "on-deployed: no template deploy"],
    ["trigger.on-deployed", "[deployed]", "[sync-failed]", "no trigger sends deployed"],
    ["trigger.on-deployed", "oncePer", "once", "on-deployed: needs when and oncePer"],
    ["trigger.on-deployed", "?.sync?.", "?.snyc?.", "Applications have no status.snyc.status"],
    ["template.deployed", "github:", "gitlab:", "deployed: no service gitlab"],
    ["template.deployed", "POST", "GET", "deployed: must POST"],
    ["template.deployed", "/statuses/", "/status/", "deployed: wrong path"],
    ["template.deployed", '"success"', '"fine"', "deployed: wrong state"],
    ["template.deployed", '"context"', '"name"', "deployed: wrong fields"],
    ["template.deployed", '"success",', '"success"', "deployed: no JSON"],
    ["template.deployed", "Synced and", "x".repeat(140), "GitHub takes 140 characters"],
    ["template.deployed", ".app.spec.source", ".app.spec.src", "no spec.src.path"],
  ] as const) {
    const changed = data[key]?.replaceAll(from, to) ?? "";
    t.not(changed, data[key], from);
    const found = offences({ data: { ...data, [key]: changed }, schema });
    t.true(
      found.some((line) => line.includes(offence)),
      `${offence}: ${found}`,
    );
  }
});

test("nobody is told anything without a token, and the token is not in Git", async (t) => {
  const manifests = await repository.render("argocd");
  const secret = manifests.find(({ metadata }) => metadata.name === "argocd-notifications-secret");
  t.is(secret?.kind, "Secret");
  t.is(secret?.data ?? secret?.stringData, undefined);
  const { data } = await notifications("argocd");
  const [{ value }] = parse(data["service.webhook.github"] ?? "").headers;
  t.is(value, "Bearer $github-token");
  for (const [, text] of named(data, "trigger"))
    t.regex(parse(text)[0].when, /^'github-token' in secrets and /);
});

test("a laptop tells nobody outside of its cluster", async (t) => {
  const url = ({ data }: Notifications) => parse(data["service.webhook.github"] ?? "").url;
  t.is(url(await notifications("argocd")), "https://api.github.com");
  t.regex(url(await notifications("clusters/local/argocd")), /^http:\/\/[\w.]+\.svc$/);
});
