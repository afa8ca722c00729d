import { built, digestOf } from "./build.ts";
import { commitOnTop } from "./bump.ts";
import { run } from "./command.ts";
import { imageIn, overlayFile, servicesAt, sourceCommit, tagOf } from "./images.ts";
import { localRegistry } from "./registry.ts";

/**
 * Plays CI on this machine: what of a commit has no image in the local registry is built and pushed, and
 * bumped in a commit on top, as on main. The same commit gets the same one on top each time. Nothing is
 * signed, because nothing leaves this machine.
 * @param where.folder the repository
 * @param where.environment whose overlays name the images
 * @returns the commit to deploy: the given one when all of its images are there
 */
export async function withLocalImages(
  commit: string,
  { folder = ".", environment = "testing", say = (_line: string) => {} } = {},
): Promise<string> {
  const when = await run("git", ["-C", folder, "show", "--no-patch", "--format=%cI", commit]);
  const author = { NAME: "local CI", EMAIL: "ci@localhost", DATE: when };
  const env = Object.fromEntries(
    Object.entries(author).flatMap(([field, value]) => [
      [`GIT_AUTHOR_${field}`, value],
      [`GIT_COMMITTER_${field}`, value],
    ]),
  );
  let tip = commit;
  for (const service of await servicesAt(commit, folder)) {
    const file = overlayFile(service, environment);
    const { name, newTag, digest } = imageIn(
      `${await run("git", ["-C", folder, "show", `${commit}:${file}`])}\n`,
    );
    const source = await sourceCommit(service, commit, folder);
    const local = name.replace(/^[^/]+/, localRegistry);
    const isThere = digest !== undefined && (await digestOf(`${local}@${digest}`)) === digest;
    if (isThere && newTag === (await tagOf(source, folder))) continue;
    const image = await built(service, commit, localRegistry, folder, say);
    const build = { service, commit: source, digest: image.digest };
    tip = await commitOnTop(folder, build, tip, { environment, env });
  }
  return tip;
}
