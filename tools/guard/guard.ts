import { basename, dirname, posix } from "node:path";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
} from "yaml";
import { nameOnGitHub } from "../github/name.ts";
import { kinds, kustomization, platformKustomization } from "./allowed.ts";
import { plain, type Tree } from "./tree.ts";
import { isList, isValue, type Place, type Shape } from "./values.ts";

/** What is refused, where, and what would be allowed there. */
export interface Finding {
  file: string;
  line?: number;
  what: string;
  allowed: string;
}

/** Which file decides what is allowed: its owner is whom to ask for more. */
export const table = "tools/guard/allowed.ts";

/** A finding in a line. @param whom the owners of the table */
export const sentence = ({ file, line, what, allowed }: Finding, whom: string[]): string =>
  `${ascii(file)}${line ? `:${line}` : ""}: ${what}. Allowed: ${allowed}. For more ask ${whom.join(", ") || "who owns"} (${table}).`;

/** Bytes of a file, in apps/ or of a kustomization. */
const largest = 65_536;

/** What shows nothing, turns text around, or is no text at all. */
const invisible = /[^\P{Cc}\n]|\p{Cf}|[\u2028\u2029\ufffd]/u;

/** A relative path that is nothing but one: no scheme, no host, no query, no dot in a folder's name. */
const path = /^(\.\.\/)*([a-z0-9][a-z0-9-]*\/)*[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*$/;

const isKustomization = (file: string) => /^kustomization(\.ya?ml)?$/i.test(basename(file));
const teamOf = (file: string) => /^apps\/([a-z][a-z0-9-]*)\//.exec(file)?.[1];

/**
 * Compares a commit with what is allowed, before anything of it is rendered: every file's kind, every kustomization,
 * and all that is in apps/.
 */
export function guard(tree: Tree): Finding[] {
  const misplaced = [...tree.files].flatMap(([file, { mode, size }]) =>
    [...misplacement(file, mode, size)].map(
      ([what, allowed]): Finding => ({ file, what, allowed }),
    ),
  );
  const isFine = (file: string) => !misplaced.some((finding) => finding.file === file);
  const where = "clusters/repository/kustomization.yaml";
  const ours = tree.files.has(where) ? nameOnGitHub(tree.read(where)) : "";

  const listed = new Set<string>();
  const manifests = new Set<string>();
  const found: Finding[] = [];
  for (const file of [...tree.files.keys()].filter(isKustomization).filter(isFine)) {
    const place = placeOf(tree, file, ours);
    const shape: Shape = place.team ? kustomization : platformKustomization;
    const { documents, findings } = parse(file, tree.read(file));
    found.push(...findings);
    if (documents.length > 1) {
      found.push({ file, what: "more than one document", allowed: "one kustomization" });
    }
    for (const document of documents) {
      const violations = compare(document, shape, place);
      found.push(...violations.map((violation) => ({ file, ...violation })));
      if (findings.length + violations.length > 0) continue;
      const { resources = [], patches = [], configMapGenerator = [] } = document.toJS() ?? {};
      const paths = [...resources, ...patches.map((patch: { path: string }) => patch.path)];
      for (const name of paths) manifests.add(posix.join(dirname(file), `${name}`));
      for (const { files = [] } of configMapGenerator) {
        for (const name of files) listed.add(posix.join(dirname(file), name.replace(/^.*=/, "")));
      }
    }
  }

  // What a kustomization lists that is refused itself, nobody knows.
  const unread = new Set(found.map(({ file }) => teamOf(file)));
  for (const file of [...tree.files.keys()].filter(isFine)) {
    if (!file.startsWith("apps/") || isKustomization(file)) continue;
    if (manifests.has(file)) found.push(...inManifest(tree, file, ours));
    else if (!listed.has(file) && !unread.has(teamOf(file))) {
      const allowed = "files that a kustomization of the same folder in apps/ lists";
      found.push({ file, what: "no kustomization lists it", allowed });
    }
  }
  return [...misplaced, ...found];
}

/** Why there may be no such file. */
function* misplacement(file: string, mode: string, size: number): Generator<[string, string]> {
  const [root = ""] = file.split("/");
  if (mode !== plain && (mode !== "100755" || root === "apps")) {
    yield [{ "120000": "a symbolic link", "160000": "a submodule" }[mode] ?? "a program", "files"];
  }
  const hasManifests = ["apps", "argocd", "clusters"].includes(root);
  if (isKustomization(file) && (!hasManifests || basename(file) !== "kustomization.yaml")) {
    yield ["a kustomization", "kustomization.yaml in apps/, argocd/ and clusters/"];
  }
  if (hasManifests && (/(^|\/)\./.test(file) || /chart\.ya?ml$/i.test(file))) {
    yield ["Argo CD would read it beside the kustomization", "no dot before a name, and no chart"];
  }
  if (root === "apps" && (!teamOf(file) || !path.test(file))) {
    yield ["not in a service's folder, or no plain name", "small letters, digits and hyphens"];
  }
  if ((root === "apps" || isKustomization(file)) && size > largest) {
    yield [`${size} bytes`, `${largest} at most`];
  }
}

function placeOf({ files }: Tree, file: string, nameOnGitHub: string): Place {
  const team = teamOf(file);
  const inside = (name: string): string => {
    const target = posix.join(dirname(file), name);
    const mine = team ? target.startsWith(`apps/${team}/`) : !target.startsWith("..");
    return path.test(name) && mine ? target : "";
  };
  return {
    ...(team && { team }),
    registry: `ghcr.io/${nameOnGitHub.toLowerCase()}`,
    isFile: (name) => !isKustomization(name) && files.get(inside(name))?.mode === plain,
    isFolder: (name) => files.has(inside(`${name}/kustomization.yaml`)),
  };
}

/** A file with objects of Kubernetes, or with patches of such: each of a kind that a team may deploy. */
function inManifest(tree: Tree, file: string, nameOnGitHub: string): Finding[] {
  const { documents, findings } = parse(file, tree.read(file));
  const place = placeOf(tree, file, nameOnGitHub);
  const found = documents.flatMap((document) => {
    const node = isMap(document.contents) ? document.contents.get("kind", true) : undefined;
    const kind = `${node?.value ?? "nothing"}`;
    const shape = Object.hasOwn(kinds, kind) ? kinds[kind as keyof typeof kinds] : undefined;
    if (shape) return compare(document, shape, place);
    return [
      {
        line: document.line(node ?? document.contents),
        what: `a team may not deploy the kind ${shown(kind)}`,
        allowed: Object.keys(kinds).join(", "),
      },
    ];
  });
  return [...findings, ...found.map((finding) => ({ file, ...finding }))];
}

type Parsed = Document.Parsed & { line(node: unknown): number };

/** The documents of a file, and what makes Kustomize read another text than people do. */
function parse(file: string, text: string): { documents: Parsed[]; findings: Finding[] } {
  const counter = new LineCounter();
  const lineAt = (offset: number) => counter.linePos(offset).line;
  const documents = parseAllDocuments(text, { lineCounter: counter, stringKeys: true });
  const all = Array.isArray(documents) ? documents : [];
  const findings = all.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].map(({ code, pos }) => ({
      line: lineAt(pos[0]),
      what: code as string,
    })),
  );
  for (const [form, what] of [
    [invisible, "an invisible character"],
    [/^%/m, "a directive"],
  ] as const) {
    const at = text.search(form);
    if (at >= 0) findings.push({ line: lineAt(at), what });
  }
  const line = (node: unknown) => lineAt((isNode(node) && node.range?.[0]) || 0);
  return {
    documents: all.map((document) => Object.assign(document, { line })),
    findings: findings.map((finding) => ({ file, ...finding, allowed: "YAML 1.2 as it is shown" })),
  };
}

type Violation = Omit<Finding, "file">;

/** Where a document says what the shape does not. */
function compare(document: Parsed, whole: Shape, place: Place): Violation[] {
  /** @param at the node that says which line, such as the name of the field */
  function* visit(node: unknown, shape: Shape, name: string, at: unknown): Generator<Violation> {
    const refused = (what: string, allowed: string) => ({
      line: document.line(at),
      what: `${name || "the document"}: ${what}`,
      allowed,
    });
    if (!isPlain(node)) yield refused("an anchor, an alias or a tag", "the value itself");
    else if (isValue(shape)) {
      if (!isScalar(node) || !isShownAsRead(node) || !shape.is(node.value, place))
        yield refused(isScalar(node) ? shown(node.source) : "no single value", shape.says);
    } else if (isList(shape)) {
      if (!isSeq(node)) yield refused("no list", "a list");
      else for (const item of node.items) yield* visit(item, shape[0], `${name}[]`, item);
    } else {
      const names = Object.keys(shape).map((key) => key.replace("!", ""));
      const fields = new Map(Object.values(shape).map((inner, index) => [names[index], inner]));
      if (!isMap(node)) return yield refused("no fields", names.join(", "));
      for (const key of Object.keys(shape).filter((key) => key.endsWith("!"))) {
        if (!node.has(key.slice(0, -1))) yield refused(`no ${key}`.slice(0, -1), "with it");
      }
      for (const { key, value } of node.items) {
        const field = isScalar(key) && isPlain(key) ? `${key.value}` : "";
        const inner = fields.get(field);
        if (inner) yield* visit(value, inner, name ? `${name}.${field}` : field, key);
        else {
          const what = `no field ${shown(isScalar(key) ? key.value : "")} here`;
          yield { ...refused(what, names.join(", ")), line: document.line(key) };
        }
      }
    }
  }
  return [...visit(document.contents, whole, "", document.contents)];
}

/** Whether a node is what it seems, and nothing that stands elsewhere. */
const isPlain = (node: unknown): boolean =>
  !isAlias(node) && !(isNode(node) && (node.tag || ("anchor" in node && node.anchor)));

/** 0x10 and 1e3 are numbers here, and texts or other numbers elsewhere. */
const isShownAsRead = ({ value, source }: Scalar): boolean =>
  typeof value !== "number" || `${value}` === source;

/** The beginning of a text that somebody else wrote. */
const shown = (text: unknown): string => ascii(JSON.stringify(`${text}`.slice(0, 80)));
const ascii = (text: string): string => text.replace(/[^ -~]/g, "?");
