import { commitOnTop } from "../delivery/bump-commit.ts";
import { gitIn, textAt } from "../git/git.ts";
import { built, digestOf, sourceOf } from "../images/build.ts";
import { imageIn, overlayFile, servicesAt } from "../images/images.ts";
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
  const git = gitIn(folder);
  const when = await git("show", "--no-patch", "--format=%cI", commit);
  const author = { NAME: "local CI", EMAIL: "ci@localhost", DATE: when };
  const env = Object.fromEntries(
    Object.entries(author).flatMap(([field, value]) => [
      [`GIT_AUTHOR_${field}`, value],
      [`GIT_COMMITTER_${field}`, value],
    ]),
  );
  const subject = await git("show", "--no-patch", "--format=%s", commit);
  let tip = commit;
  for (const service of await servicesAt(commit, folder)) {
    const source = await sourceOf(service, commit, localRegistry, folder);
    const overlay = await textAt(commit, overlayFile(service, environment), folder);
    const { newTag, digest } = imageIn(overlay);
    const isThere = digest !== undefined && (await digestOf(`${source.name}@${digest}`)) === digest;
    if (isThere && newTag === source.tag) continue;
    const build = { service, commit: source.commit, digest: await built(source, folder, say) };
    tip = await commitOnTop(folder, build, tip, { environment, env, subject });
  }
  return tip;
}
