import type { IPod } from "kubernetes-models/v1";
import { type Image, imageIn, overlayFile, withImage } from "../images/images.ts";
import { type Application, type Kubectl, reasons, state } from "../kubernetes/cluster.ts";
import { fairCoin } from "../pay-run/binomial.ts";
import { chargesOfAntaeus, inAntaeus } from "../pay-run/charges.ts";

/** Where an image comes from, and where it goes. */
export const from = "testing";
export const to = "production";

/** What testing should run, and what it does. */
export interface Testing {
  service: string;
  /** The newest commit of the branch that Argo CD reads. */
  tip: string;
  /** What the service's overlay says at that commit. */
  image: Image;
  /** Nothing when the cluster has none by that name. */
  application: Application | undefined;
  pods: IPod[];
}

/** @returns what a cluster runs of a service */
export async function read(
  kubectl: Kubectl,
  service: string,
): Promise<Pick<Testing, "application" | "pods">> {
  const applications = await kubectl.applications();
  const selector = ["-n", `app-${service}`, "-l", `app.kubernetes.io/name=${service}`];
  const { items } = await kubectl.json<{ items: IPod[] }>(["get", "pods", ...selector]);
  return {
    application: applications.find(({ metadata }) => metadata.name === service),
    pods: items.filter(isRunning),
  };
}

/** Not one that ends, or that has ended and is only listed still, such as an evicted one. */
const isRunning = ({ metadata, status }: IPod): boolean =>
  !metadata?.deletionTimestamp && !["Failed", "Succeeded"].includes(status?.phase ?? "");

/**
 * Why testing's image is not to be promoted: each reason in a sentence, none when it is. Promoted is what runs
 * and is well, not what a file says.
 */
export function refusals({ service, tip, image, application, pods }: Testing): string[] {
  if (!application) return [`this cluster has no Application ${service}`];
  const { spec, status = {} } = application;
  const path = spec?.source?.path;
  if (path !== `apps/${service}/overlays/${from}`)
    return [`this cluster is not ${from}: it runs ${path}`];
  if (!image.digest)
    return [`no image of ${service} was built yet: its overlay in ${from} has no digest`];

  const is = `${service} is ${state(application)} in ${from}`;
  const why = reasons(application).map((reason) => `\n    ${reason}`);
  const found: string[] = [];
  if (status.sync?.status !== "Synced") found.push(`${is}, not Synced${why.join("")}`);
  if (status.health?.status !== "Healthy") found.push(`${is}, not Healthy${why.join("")}`);
  if (status.sync?.revision !== tip) {
    found.push(`${is}, and the newest commit is ${tip.slice(0, 7)}: wait until it is there`);
  }
  const wanted = `${image.name}:${image.newTag}@${image.digest}`;
  if (pods.length === 0) found.push(`no pod of ${service} runs in ${from}`);
  for (const { metadata, spec, status } of pods) {
    const images = spec?.containers.map(({ image }) => image) ?? [];
    // By its digest: whoever runs it has checked that it is that one.
    if (!images.includes(wanted))
      found.push(`${metadata?.name} is of ${images.join()}, not of ${wanted}`);
    else if (!status?.containerStatuses?.[0]?.ready) found.push(`${metadata?.name} is not ready`);
  }
  return found;
}

/** What a smoke test found. */
export interface Smoke {
  /** The status of Antaeus' list of invoices. */
  invoices: number;
  charges: { status: number; result?: boolean }[];
}

/**
 * A smoke test of a cluster as a whole: Antaeus lists its invoices, and charges as in a pay run, a hundred
 * times. It can be made again and again, because no invoice changes.
 */
export async function smokeTest(kubectl: Kubectl): Promise<Smoke> {
  const list = `return (await fetch("http://localhost:8000/rest/v1/invoices")).status;`;
  return {
    invoices: await inAntaeus<number>(kubectl, list),
    charges: await chargesOfAntaeus(kubectl, 100),
  };
}

/** What a smoke test says, for people. */
export function summary({ charges }: Smoke): string {
  const accepted = charges.filter(({ result }) => result).length;
  return `${accepted} of ${charges.length} charges accepted`;
}

/** What speaks against a cluster after its smoke test; nothing when it passed. */
export function complaints(smoke: Smoke): string[] {
  const { invoices, charges } = smoke;
  const [least, most] = fairCoin(charges.length);
  const failed = charges.filter(({ status }) => status !== 200);
  const accepted = charges.filter(({ result }) => result).length;
  const found: string[] = [];
  if (invoices !== 200) found.push(`Antaeus answers ${invoices} when asked for its invoices`);
  if (failed.length > 0)
    found.push(`${failed.length} of ${charges.length} charges failed, with ${failed[0]?.status}`);
  else if (accepted < least || accepted > most)
    found.push(`${summary(smoke)}, and a fair coin gives ${least} to ${most}`);
  return found;
}

/** A promotion as a commit: one file, in which two lines change. */
export type Promotion = NonNullable<ReturnType<typeof promotion>>;

/**
 * @param overlay the text of production's overlay
 * @param source the commit that the image was built from, if Git has it
 * @returns the promotion; nothing when production says that image already
 */
export function promotion(
  { service, tip, image }: Testing,
  overlay: string,
  smoke: Smoke,
  source?: string,
) {
  const { name, newTag, digest = "" } = image;
  const before = imageIn(overlay);
  if (before.newTag === newTag && before.digest === digest) return undefined;
  const message = [
    `${service}: ${newTag} to ${to}`,
    `In ${from}, at ${tip.slice(0, 12)}: Synced, Healthy, ${summary(smoke)}.\nBefore: ${before.newTag}`,
    [...(source ? [`Source-Commit: ${source}`] : []), `Image: ${name}:${newTag}@${digest}`].join(
      "\n",
    ),
  ].join("\n\n");
  return {
    // Names the image, so that a second promotion of the same one is the same branch.
    branch: `promote-${service}-${newTag}`,
    file: overlayFile(service, to),
    text: withImage(overlay, { newTag, digest }),
    message: `${message}\n`,
  };
}
