import type { Manifest } from "../../tools/render/manifests.ts";
import { permissions as table, type Who } from "../access/permissions.ts";
import { podSpecs, type Repository } from "../support/repository.ts";
import { check, each, type Rule, same } from "./rule.ts";

/** Argo CD's own two roles, as far as the table asks for them. */
const builtIn = ["p, role:admin, *, *, *, allow", "p, role:readonly, *, get, *, allow"];

/** What Argo CD reads of a project: each of its roles may see it, and the groups are in the role. */
const linesOf = ({ metadata: { name: project }, spec }: Manifest): string[] =>
  (spec.roles ?? []).flatMap(
    ({ name, policies, groups = [] }: { name: string; policies: string[]; groups?: string[] }) => [
      `p, proj:${project}:${name}, projects, get, ${project}, allow`,
      ...policies,
      ...groups.map((group) => `g, ${group}, proj:${project}:${name}`),
    ],
  );

const isLike = (glob: string, text: string) =>
  new RegExp(`^${glob.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);

const configMap = (manifests: Manifest[], name: string): Record<string, string> =>
  manifests.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === name)?.data ??
  {};

/** Argo CD's RBAC, as its settings and the projects make it. */
class Rbac {
  readonly #policies: string[][];
  readonly #groupings: string[][];
  readonly #settings: Record<string, string>;
  readonly #everybody: string;

  constructor(argocd: Manifest[], projects: Manifest[]) {
    const policy = configMap(argocd, "argocd-rbac-cm");
    this.#settings = configMap(argocd, "argocd-cm");
    this.#everybody = policy["policy.default"] ?? "";
    const csv = Object.entries(policy).filter(([key]) => /^policy\..*csv$/.test(key));
    const lines = [
      ...builtIn,
      ...csv.flatMap(([, text]) => text.split("\n")),
      ...projects.flatMap(linesOf),
    ].map((line) => line.split(",").map((field) => field.trim()));
    this.#policies = lines.filter(([type]) => type === "p");
    this.#groupings = lines.filter(([type]) => type === "g");
  }

  #isOn(setting: string): boolean {
    return this.#settings[setting] === "true";
  }

  /** Settings without which a right is a part of another one, or with which it is nobody's. */
  #asked(right: string): string | undefined {
    if (right === "exec create" && !this.#isOn("exec.enabled")) return undefined;
    if (
      (right === "applications override" &&
        !this.#isOn("application.sync.requireOverridePrivilegeForRevisionSync")) ||
      (right === "applications rollback" && !this.#isOn("server.rbac.rollback.enforce.enable"))
    )
      return "applications sync";
    return right;
  }

  /** Whether a user or a group has a right to an object. */
  may(subject: string, right: string, object: string): boolean {
    const [resource, action] = this.#asked(right)?.split(" ") ?? [];
    if (!resource || !action) return false;
    const roles = new Set([subject, this.#everybody]);
    // A Set grows while it is walked: roles of roles are found too.
    for (const role of roles)
      for (const [, member, of] of this.#groupings) if (member === role && of) roles.add(of);
    const effects = this.#policies
      .filter(
        ([, role = "", ofResource = "", ofAction = "", ofObject = ""]) =>
          roles.has(role) &&
          isLike(ofResource, resource) &&
          isLike(ofAction, action) &&
          isLike(ofObject, object),
      )
      .map((fields) => fields[5]);
    return effects.includes("allow") && !effects.includes("deny");
  }
}

/** What a right of the table is to: an application in its project, a project, or something of no project. */
function objectOf(right: string, name: string, project: string): string {
  if (/^(applications|logs|exec) /.test(right)) return `${project}/${name}`;
  return right.startsWith("projects ") ? project : "https://kubernetes.default.svc";
}

async function matrix(repository: Repository, environment: string): Promise<string[]> {
  const manifests = await repository.platform(environment);
  const projects = manifests.filter(({ kind }) => kind === "AppProject");
  // With the logins that a laptop has in place of groups: they must make the same table.
  const rbac = new Rbac(await repository.render("clusters/local/argocd"), projects);
  const applications = (await repository.applications(environment)).map(({ metadata, spec }) => ({
    name: metadata.name,
    project: spec.project as string,
  }));
  const users = [...repository.services, "platform", "nobody"];
  const cells = applications.flatMap((application) =>
    users.flatMap((user) => table.map((permission) => ({ application, user, ...permission }))),
  );
  return each(cells, ({ application: { name, project }, user, action, right, allowed }) => {
    const who: Who =
      user === "platform"
        ? "platform"
        : user === "nobody"
          ? "no team"
          : user === name
            ? "own team"
            : "another team";
    return each([user, `local-${user}`], (subject) =>
      check(
        rbac.may(subject, right, objectOf(right, name, project)) === allowed.includes(who),
        `${environment}: ${subject} ${allowed.includes(who) ? "may not" : "may"} ${action} (${name})`,
      ),
    );
  });
}

export const permissions: Record<string, Rule> = {
  "Argo CD's settings and projects make the table of tests/access/permissions.ts": (repository) =>
    each(repository.environments, (environment) => matrix(repository, environment)),

  "only the platform's group is everywhere, and only a laptop has other users": async (
    repository,
  ) => {
    const laptop = await repository.render("clusters/local/argocd");
    const logins = Object.keys(configMap(laptop, "argocd-cm")).filter((key) =>
      key.startsWith("accounts."),
    );
    const users = logins.map((key) => key.slice("accounts.".length));
    return [
      ...(await each(repository.environments, async (environment) => {
        const argocd = await repository.render(`clusters/${environment}/argocd`);
        return same(`${environment}: argocd-rbac-cm`, configMap(argocd, "argocd-rbac-cm"), {
          "policy.default": "",
          "policy.matchMode": "glob",
          scopes: "[groups]",
          "policy.csv": "g, platform, role:admin\n",
        });
      })),
      ...same(
        "a laptop's users",
        users.sort(),
        [...repository.services, "nobody", "platform"].map((name) => `local-${name}`).sort(),
      ),
    ];
  },

  "Argo CD's settings close what nobody needs": (repository) =>
    each(["local", ...repository.environments], async (cluster) => {
      const manifests = await repository.render(`clusters/${cluster}/argocd`);
      const settings = configMap(manifests, "argocd-cm");
      const expected = {
        "exec.enabled": "false",
        "application.sync.impersonation.enabled": "true",
        "application.sync.requireOverridePrivilegeForRevisionSync": "true",
        "server.rbac.rollback.enforce.enable": "true",
      };
      const server = podSpecs(manifests).find(({ name }) => name === "argocd-server");
      return [
        ...(await each(Object.entries(expected), ([key, value]) =>
          same(`${cluster}: argocd-cm: ${key}`, settings[key], value),
        )),
        ...same(`${cluster}: argocd-server`, server?.spec.containers[0].args, [
          "/usr/local/bin/argocd-server",
          "--insecure",
          "--sync-with-replace-allowed=false",
        ]),
      ];
    }),

  "the root's health is that of the Applications that it made": (repository) =>
    each(["local", ...repository.environments], async (cluster) => {
      const settings = configMap(
        await repository.render(`clusters/${cluster}/argocd`),
        "argocd-cm",
      );
      const health = settings["resource.customizations.health.argoproj.io_Application"] ?? "";
      return check(/obj\.status\.health/.test(health), `${cluster}: no health of an Application`);
    }),
};
