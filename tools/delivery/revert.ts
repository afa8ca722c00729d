import { isDeepStrictEqual } from "node:util";
import { UserError } from "../cli/command.ts";
import { commitTree, gitIn, gitSucceeds, textAt, treeChanged, treeWith } from "../git/git.ts";
import { type Image, imageIn, overlayFile, withImage } from "../images/images.ts";
import { type Commit, contains, log, revertOf } from "./history.ts";
import { type Branch, type Outcome, pushOnTop } from "./push.ts";
import { short } from "./steps.ts";

/** A deployment that failed. */
export interface Failure {
  service: string;
  environment: string;
  /** The commit that Argo CD deployed, in full: it need not be one that changed the service. */
  commit: string;
  /** What is said of it, by whoever. */
  reason?: string;
  /** Whether a commit was live once, as this service in this environment. */
  wasLive: (commit: string) => Promise<boolean>;
}

/** How many commits are looked through for one that was live. */
const reach = 100;

/**
 * Takes back what a deployment that failed brought: what the commits since the last one that was live changed of the
 * service, by a commit on top of the newest one of the branch. What came later is kept. What was live once is not taken
 * back, nor what is taken back already: so who says a failure twice, late or wrongly can do no more than that.
 *
 * @param folder a clone with the whole history; its files and its index are left alone
 * @throws UserError where a person has to decide
 */
export const revert = (folder: string, failure: Failure, branch: Branch = {}): Promise<Outcome> =>
  pushOnTop(folder, "revert", branch, (tip) => revertOnTop(folder, failure, tip));

async function revertOnTop(folder: string, failure: Failure, tip: string): Promise<Outcome> {
  const { service, environment, commit, reason = "" } = failure;
  const git = gitIn(folder);
  const file = overlayFile(service, environment);
  if (!(await contains(tip, commit, folder)))
    throw new UserError(`${commit} is not on the branch: only what is merged is deployed.`);
  if (!(await gitSucceeds(["cat-file", "-e", `${tip}:${file}`], { folder })))
    return { skipped: `there is no ${file}, and what is not a service's a person reverts` };
  const live = await lastLive(folder, failure, tip);
  if (await contains(live, commit, folder))
    return { skipped: `${short(live)} was live, which has it: its deployment did not fail` };

  // Another environment's overlay is no business of this one.
  const overlays = await git("ls-tree", "-z", "--name-only", commit, `apps/${service}/overlays/`);
  const others = overlays.split("\0").filter((one) => one && !file.startsWith(`${one}/`));
  const ours = [`apps/${service}`, ...others.map((one) => `:(exclude)${one}`)];
  const { left, by } = await notReverted(folder, `${live}..${commit}`, ours, tip);
  const [last] = left;
  if (!last) {
    const why = by ? `${short(by)} reverted it` : `no commit changed ${service} in ${environment}`;
    return { skipped: `since ${short(live)}, which was live, ${why}` };
  }
  const byHand = `A person decides: git revert ${left.map(({ sha }) => short(sha)).join(" ")}`;
  await refuseMore(folder, left, ours, byHand);

  const texts = await Promise.all([commit, live, tip].map((one) => textAt(one, file, folder)));
  const [failed, before, now] = texts.map(imageIn) as [Image, Image, Image];
  const isBump = !isDeepStrictEqual(failed, before);
  if (isBump && !isDeepStrictEqual(failed, now))
    return { skipped: `${now.newTag} is what the branch says by now` };
  // The same image in all three, so that it is in the way of nobody who changed a line beside it.
  const image = isBump ? before : now;
  const treeAt = (at: string, text = "") => treeWith(at, file, withImage(text, image), { folder });
  const [from, to] = [await treeAt(commit, texts[0]), await treeAt(live, texts[1])];
  const onto = await treeAt(tip, texts[2]);
  const tree = await treeChanged(onto, from, to, ours, { folder }).catch((error: Error) => {
    const why = error.message.replace(/^.*\n/, "").replaceAll("\n", "\n  ");
    throw new UserError(`What came later is in the way.\n  ${why}\n  ${byHand}`);
  });
  if (tree === (await git("rev-parse", `${tip}^{tree}`)))
    return { skipped: `the branch says what ${short(live)} says, which was live` };
  const message = [
    `Revert "${last.subject}"${left.length > 1 ? ` and ${left.length - 1} more` : ""}`,
    `It failed in ${environment}${reason && `: ${plain(reason)}`}`,
    `Back to what was live at ${short(live)}.`,
    left.map(({ sha }) => `Reverts: ${sha}`).join("\n"),
  ];
  return { commit: await commitTree(tree, tip, message.join("\n\n"), { folder }) };
}

/** @throws UserError where none of the last commits was live */
async function lastLive(folder: string, { wasLive }: Failure, tip: string): Promise<string> {
  const newest = await gitIn(folder)("rev-list", "--first-parent", `--max-count=${reach}`, tip);
  for (const one of newest.split("\n")) if (await wasLive(one)) return one;
  throw new UserError(`None of the last ${reach} commits was live: a person has to decide.`);
}

/** The commits of a range that no other one up to the tip reverts, and that revert none; and one that does revert. */
async function notReverted(folder: string, range: string, ours: string[], tip: string) {
  const came = await log(["--first-parent", range, "--", ...ours], folder);
  const reverts = await Promise.all(came.map((one) => revertOf(one, tip, folder)));
  const isRevert = ({ sha }: Commit) => reverts.some((one) => one?.sha === sha);
  const left = came.filter((one, index) => !reverts[index] && !isRevert(one));
  return { left, by: reverts.find((one) => one)?.sha };
}

/** @throws UserError where a commit changes more that is deployed than is to be reverted */
async function refuseMore(folder: string, commits: Commit[], ours: string[], byHand: string) {
  const changed = async (sha: string, ...paths: string[]) => {
    const diff = ["diff", "--name-only", "--no-renames", `${sha}^`, sha, "--", ...paths];
    return (await gitIn(folder)(...diff)).split("\n");
  };
  for (const { sha, subject } of commits) {
    const known = await changed(sha, ...ours);
    const all = await changed(sha, "apps", "argocd", "clusters");
    const more = all.find((one) => !known.includes(one));
    if (more) throw new UserError(`${short(sha)} ${subject}: changes ${more}, too.\n  ${byHand}`);
  }
}

/** A text of whoever as part of a message: words, and nothing that Git, GitHub or our own tools read as more. */
const plain = (text: string): string =>
  text
    .replace(/[^\w.,:;%()'=<>+-]+/g, " ")
    .slice(0, 200)
    .trim();
