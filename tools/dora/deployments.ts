import { git, plainPatch, textAt } from "../git/git.ts";
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
      const git = await ofGit(folder, file);
      const argocd = await ofArgoCD(folder, file, application?.status?.history ?? []);
      return {
        service,
        environment,
        git,
        argocd,
        sources: await sources(folder, [...git, ...argocd]),
      };
    }),
  );
}

const dir = (file: string) => file.replace(/[^/]+$/, "");

/** The images that the commits of a branch set: of a merge, what it brought. */
async function ofGit(folder: string, file: string): Promise<Seen[]> {
  const ofMain = ["--reverse", "--first-parent", "--diff-merges=first-parent"];
  // All of the file as it was then: a bump may change nothing but the digest.
  const patch = [...plainPatch, "--unified=1000000", "--format=%x00%ct"];
  const log = await git(["log", ...ofMain, ...patch, "HEAD", "--", file], { folder });
  return log
    .split("\0")
    .slice(1)
    .flatMap((text) => {
      const [at = "", ...lines] = text.split("\n");
      const begin = lines.findIndex((line) => line.startsWith("@@"));
      const now = lines.slice(begin + 1).filter((line) => /^[+ ]/.test(line));
      return seen(now.map((line) => `${line.slice(1)}\n`).join(""), new Date(Number(at) * 1000));
    })
    .filter(isNew);
}

/** The images that Argo CD's syncs brought. A revision that is not in the clone tells nothing. */
async function ofArgoCD(
  folder: string,
  file: string,
  history: { revision: string; deployedAt: string }[],
): Promise<Seen[]> {
  const found: Seen[] = [];
  for (const { revision, deployedAt } of history) {
    const overlay = await textAt(revision, file, folder).catch(() => "");
    found.push(...seen(overlay, new Date(deployedAt)));
  }
  return found.sort((one, other) => +one.at - +other.at).filter(isNew);
}

function seen(overlay: string, at: Date): Seen[] {
  try {
    const { newTag, digest } = imageIn(overlay);
    return [{ image: digest ? `${newTag}@${digest}` : newTag, at }];
  } catch {
    return []; // In the form of another time.
  }
}

/** Commits that change something else set the image that was there. */
const isNew = ({ image }: Seen, index: number, all: Seen[]) => all[index - 1]?.image !== image;

/** When the commits were made that images were built from. */
async function sources(folder: string, seen: Seen[]): Promise<Map<string, Date>> {
  const found = new Map<string, Date>();
  for (const image of new Set(seen.map((one) => one.image))) {
    const commit = commitOf(image.replace(/@.*/, ""));
    if (!commit) continue;
    const show = ["show", "--no-patch", "--format=%ct", `${commit}^{commit}`];
    const at = await git(show, { folder }).catch(() => "");
    if (at) found.set(image, new Date(Number(at) * 1000));
  }
  return found;
}
