import { log } from "../delivery/history.ts";
import { textAt } from "../git/git.ts";
import { commitOf, imageIn, overlayFile, servicesAt } from "../images/images.ts";
import type { Application } from "../kubernetes/cluster.ts";
import { environmentsIn } from "../repository/environments.ts";
import type { Records, Seen } from "./figures.ts";

/**
 * What Git and Argo CD know of every service in every environment.
 * @param folder a clone with the whole history
 * @param applications as Argo CD has them; none without a cluster
 */
export async function records(folder: string, applications: Application[]): Promise<Records[]> {
  const services = await servicesAt("HEAD", folder);
  const pairs = environmentsIn(folder).flatMap((environment) =>
    services.map((service) => ({ service, environment })),
  );
  return Promise.all(
    pairs.map(async ({ service, environment }) => {
      const file = overlayFile(service, environment);
      const application = applications.find(({ spec }) => `${spec?.source?.path}/` === dir(file));
      // Of a merge, what it brought.
      const changes = ["--reverse", "--first-parent", "HEAD", "--", file];
      const git = await tagsAt(folder, file, await log(changes, folder));
      const syncs = (application?.status?.history ?? []).map(({ revision, deployedAt }) => ({
        sha: revision,
        time: new Date(deployedAt),
      }));
      const argocd = await tagsAt(folder, file, syncs);
      const known = await sources(folder, [...git, ...argocd]);
      return { service, environment, git, argocd, sources: known };
    }),
  );
}

const dir = (file: string) => file.replace(/[^/]+$/, "");

/** The tags that an overlay says, one after the other. A revision that is not in the clone tells nothing. */
async function tagsAt(
  folder: string,
  file: string,
  revisions: { sha: string; time: Date }[],
): Promise<Seen[]> {
  const found: Seen[] = [];
  for (const { sha, time: at } of revisions) {
    try {
      found.push({ tag: imageIn(await textAt(sha, file, folder)).newTag, at });
    } catch {
      // In the form of another time.
    }
  }
  return found.filter(isNew);
}

/** Commits that change something else set the tag that was there; so does another build of the same source. */
const isNew = ({ tag }: Seen, index: number, all: Seen[]) => all[index - 1]?.tag !== tag;

/** When the commits were made that tags name. */
async function sources(folder: string, seen: Seen[]): Promise<Map<string, Date>> {
  const found = new Map<string, Date>();
  for (const tag of new Set(seen.map((one) => one.tag))) {
    const commit = commitOf(tag);
    if (!commit) continue;
    const [source] = await log(["-1", commit], folder).catch(() => []);
    if (source) found.set(tag, source.time);
  }
  return found;
}
