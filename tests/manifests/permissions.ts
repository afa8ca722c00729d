import type { Manifest } from "../../tools/render/manifests.ts";
import { permissions as table, type Who } from "../access/permissions.ts";
import { podSpecs, type Repository } from "../support/repository.ts";
import { each, type Rule, same, unless } from "./rule.ts";

const project = "argocd/projects/payment.yaml";
const settings = "argocd/install/settings.yaml";
const users = "argocd/install/permissions.yaml";
const logins = "clusters/local/argocd/logins.yaml";

/** Argo CD's own two roles, as far as the table asks for them. */
const builtIn = ["p, role:admin, *, *, *, allow", "p, role:readonly, *, get, *, allow"];

/** What Argo CD reads of a project: each of its roles may see it. */
const linesOf = ({ metadata: { name: project }, spec }: Manifest): string[] =>
  (spec.roles ?? []).flatMap(({ name, policies }: { name: string; policies: string[] }) => [
    `p, proj:${project}:${name}, projects, get, ${project}, allow`,
    ...policies,
  ]);

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
    if (right === "write-repositories create" && !this.#isOn("hydrator.enabled")) return undefined;
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
      unless(
        rbac.may(subject, right, objectOf(right, name, project)) === allowed.includes(who),
        `${environment}: ${subject} ${allowed.includes(who) ? "may not" : "may"} ${action} (${name})`,
      ),
    );
  });
}

export const permissions: Rule[] = [
  {
    title:
      "Argo CD's settings and projects allow what tests/access/permissions.ts declares, and nothing else",
    check: (repository) =>
      each(repository.environments, (environment) => matrix(repository, environment)),
    mutations: [
      {
        what: "a default role that may read everything",
        file: users,
        from: 'policy.default: ""',
        to: "policy.default: role:readonly",
        says: /nobody may see the application \(payment\)/,
      },
      {
        what: "a role for another team's group",
        file: users,
        from: "g, payment, proj:payment:team",
        to: "g, antaeus, proj:payment:team",
        says: /antaeus may sync to what Git says \(payment\)/,
      },
      {
        what: "a team that may delete its application",
        file: project,
        from: "applications, rollback, payment/*, allow",
        to: "applications, *, payment/*, allow",
        says: /payment may delete the application \(payment\)/,
      },
      {
        what: "a team that may not roll back",
        file: project,
        from: "        - p, proj:payment:team, applications, rollback, payment/*, allow\n",
        to: "",
        says: /payment may not roll back \(payment\)/,
      },
      {
        what: "a team that may sync any revision",
        file: settings,
        from: 'requireOverridePrivilegeForRevisionSync: "true"',
        to: 'requireOverridePrivilegeForRevisionSync: "false"',
        says: /payment may sync to another revision \(payment\)/,
      },
      {
        what: "shells in pods, for administrators",
        file: settings,
        from: 'exec.enabled: "false"',
        to: 'exec.enabled: "true"',
        says: /platform may open a shell in a pod/,
      },
      {
        what: "a login in another team's role",
        file: logins,
        from: "g, local-payment, proj:payment:team",
        to: "g, local-payment, proj:antaeus:team",
        says: /local-payment may see the application \(antaeus\)/,
      },
    ],
  },
  {
    title: "Only the platform's group administers Argo CD, and only a laptop has local users",
    check: async (repository) => {
      const laptop = await repository.render("clusters/local/argocd");
      const logins = Object.keys(configMap(laptop, "argocd-cm")).filter((key) =>
        key.startsWith("accounts."),
      );
      const users = logins.map((key) => key.slice("accounts.".length));
      return [
        ...(await each(repository.environments, async (environment) => {
          const argocd = await repository.render(`clusters/${environment}/argocd`);
          const teams = repository.services.map((name) => `g, ${name}, proj:${name}:team`);
          const { "policy.csv": csv = "", ...settings } = configMap(argocd, "argocd-rbac-cm");
          return [
            ...same(`${environment}: argocd-rbac-cm`, settings, {
              "policy.default": "",
              "policy.matchMode": "glob",
              scopes: "[groups]",
            }),
            ...same(
              `${environment}: argocd-rbac-cm: groups`,
              csv.trim().split("\n").sort(),
              ["g, platform, role:admin", ...teams].sort(),
            ),
          ];
        })),
        ...same(
          "a laptop's users",
          users.sort(),
          [...repository.services, "nobody", "platform"].map((name) => `local-${name}`).sort(),
        ),
      ];
    },
    mutations: [
      {
        what: "another group of administrators",
        file: users,
        from: "    g, platform, role:admin\n",
        to: "    g, platform, role:admin\n    g, on-call, role:admin\n",
        says: /argocd-rbac-cm.*on-call/,
      },
      {
        what: "policies that are matched by another kind of pattern",
        file: users,
        from: "policy.matchMode: glob",
        to: "policy.matchMode: regex",
        says: /argocd-rbac-cm.*regex/,
      },
      {
        what: "a login with the name of a group",
        file: logins,
        from: "accounts.local-nobody: login",
        to: "accounts.platform: login",
        says: /a laptop's users: .*"platform"/,
      },
    ],
  },
  {
    title: "Argo CD's settings disable what nobody needs",
    check: (repository) =>
      each(["local", ...repository.environments], async (cluster) => {
        const manifests = await repository.render(`clusters/${cluster}/argocd`);
        const settings = configMap(manifests, "argocd-cm");
        const expected = {
          "exec.enabled": "false",
          "application.sync.impersonation.enabled": "true",
          "application.sync.impersonation.enforced": "true",
          "helm.enable": "false",
          "jsonnet.enable": "false",
          "admin.enabled": `${cluster === "local"}`,
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
    mutations: [
      {
        what: "syncs by Argo CD's own account",
        file: settings,
        from: 'impersonation.enabled: "true"',
        to: 'impersonation.enabled: "false"',
        says: /application.sync.impersonation.enabled: "false"/,
      },
      {
        what: "an administrator who is in no group",
        file: settings,
        from: 'admin.enabled: "false"',
        to: 'admin.enabled: "true"',
        says: /testing: argocd-cm: admin.enabled: "true"/,
      },
      {
        what: "a chart in place of what was checked",
        file: settings,
        from: '  helm.enable: "false"\n',
        to: "",
        says: /helm.enable: undefined/,
      },
      {
        what: "a right to sync that implies rollback",
        file: settings,
        from: '  server.rbac.rollback.enforce.enable: "true"\n',
        to: "",
        says: /server.rbac.rollback.enforce.enable: undefined/,
      },
      {
        what: "a sync that replaces what it should update",
        file: "argocd/install/server.yaml",
        from: "--sync-with-replace-allowed=false",
        to: "--sync-with-replace-allowed=true",
        says: /argocd-server: .*"--sync-with-replace-allowed=true"/,
      },
      {
        what: "one environment that changes a setting",
        file: "clusters/production/argocd/kustomization.yaml",
        from: "  - ../../../argocd\n",
        to: '  - ../../../argocd\npatches:\n  - target: {kind: ConfigMap, name: argocd-cm}\n    patch: |-\n      - op: replace\n        path: /data/exec.enabled\n        value: "true"\n',
        says: /production: argocd-cm: exec.enabled: "true"/,
      },
    ],
  },
  {
    title: "The root's health includes that of its Applications",
    check: (repository) =>
      each(["local", ...repository.environments], async (cluster) => {
        const settings = configMap(
          await repository.render(`clusters/${cluster}/argocd`),
          "argocd-cm",
        );
        const health = settings["resource.customizations.health.argoproj.io_Application"] ?? "";
        return unless(
          /obj\.status\.health/.test(health),
          `${cluster}: no health of an Application`,
        );
      }),
    mutations: [
      {
        what: "a root that is always Healthy",
        file: settings,
        from: "obj.status and obj.status.health or {}",
        to: '{ status = "Healthy" }',
        says: /no health of an Application/,
      },
    ],
  },
];
