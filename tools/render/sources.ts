import { existsSync } from "node:fs";
import { join, normalize } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { environmentsIn } from "../repository/environments.ts";
import { findKustomize } from "./kustomize.ts";
import { documents, id, type Manifest } from "./manifests.ts";

/** What one Argo CD Application deploys, or somebody applies by hand. */
export interface Source {
  /** The cluster and the Application, such as testing/payment; or the folder that is applied by hand. */
  name: string;
  /** The folder that is rendered. */
  path: string;
  /** Missing where the folder is applied by hand. */
  application?: Manifest;
  /** Missing when the folder does not render, or was not rendered because nothing changes it. */
  objects?: Manifest[];
  /** Why it does not. */
  error?: string;
}

/**
 * Renders everything that a commit brings to a cluster: the folders that people apply to hand a cluster over to
 * Git, and every Application from there on.
 * @param root the files of the commit
 * @param before what was rendered of the commit before it: where a folder does not render, Argo CD keeps the
 *   Applications that it made of it before, and they read this commit all the same
 * @param isSame whether a team's folder is the same in both: then it is not rendered, however many there are
 */
export async function sources(
  root: string,
  before: Source[] = [],
  isSame: (path: string) => Promise<boolean> = async () => false,
): Promise<Source[]> {
  const kustomize = await findKustomize(root);
  const found: Source[] = [];

  const render = async (source: Source): Promise<Source> => {
    try {
      const trouble = source.application && unlike(source.application);
      if (trouble) throw new Error(trouble);
      return { ...source, objects: documents(await kustomize.build(join(root, source.path))) };
    } catch (error) {
      return { ...source, error: withoutFolders((error as Error).message, root) };
    }
  };

  const add = async (cluster: string, source: Source): Promise<void> => {
    if (found.some(({ name }) => name === source.name)) return;
    const old = before.find(({ name }) => name === source.name);
    const isSkipped =
      source.path.startsWith("apps/") &&
      // The same Application of it, which was not rendered before either.
      (before.length === 0 || isDeepStrictEqual(old, source)) &&
      (await isSame(source.path));
    const rendered = isSkipped ? source : await render(source);
    found.push(rendered);
    const objects = rendered.objects ?? before.find(({ name }) => name === source.name)?.objects;
    for (const application of (objects ?? []).filter(({ kind }) => kind === "Application")) {
      const name = `${cluster}/${application.metadata.name}`;
      await add(cluster, { name, path: application.spec?.source?.path ?? "", application });
    }
  };

  for (const cluster of existsSync(join(root, "clusters")) ? environmentsIn(root) : []) {
    await add(cluster, { name: `clusters/${cluster}`, path: `clusters/${cluster}` });
  }
  return found.map((source) => withoutOthers(source, found));
}

/** Renders what was not, of a commit's sources that another commit does not have as they are. */
export async function complete(root: string, all: Source[], others: Source[]): Promise<Source[]> {
  const kustomize = await findKustomize(root);
  const isSkipped = ({ objects, error }: Source) => !objects && error === undefined;
  return Promise.all(
    all.map(async (source) => {
      if (!isSkipped(source) || others.some((one) => one.name === source.name && isSkipped(one)))
        return source;
      return { ...source, objects: documents(await kustomize.build(join(root, source.path))) };
    }),
  );
}

/** What makes an Application something else than a folder of this repository, rendered as it is. */
function unlike({ spec = {} }: Manifest): string | undefined {
  const { repoURL, path, targetRevision, ...others } = spec.source ?? {};
  const fields = [...Object.keys(others).map((field) => `source.${field}`)];
  if (spec.sources) fields.push("sources");
  if (fields.length > 0)
    return `The preview does not know what spec.${fields.join(", ")} does to it.`;
  if (!path || normalize(path).startsWith("..")) return `${path} is no folder of this repository.`;
}

/** Applied by hand is only what no Application keeps from then on. */
function withoutOthers(source: Source, all: Source[]): Source {
  if (source.application || !source.objects) return source;
  const kept = new Set(
    all.flatMap(({ application, objects = [] }) => (application ? objects.map(id) : [])),
  );
  return { ...source, objects: source.objects.filter((object) => !kept.has(id(object))) };
}

/** Without the names of the folders that the preview works in: they differ from run to run. */
const withoutFolders = (message: string, root: string): string =>
  message
    .replaceAll(`${root}/`, "")
    .replace(/^.* failed \(.*\)\n/, "")
    .trim();
