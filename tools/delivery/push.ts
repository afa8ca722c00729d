import { UserError } from "../cli/command.ts";
import { gitIn } from "../git/git.ts";

/** What became of a commit that was to be made: it is on the branch, or why there is none. */
export type Outcome = { commit: string } | { skipped: string };

/** Where a branch is that others push to as well. */
export interface Branch {
  remote?: string;
  branch?: string;
}

/** How long others may be quicker to push, or the Git host not answer, before it is given up, in milliseconds. */
const patience = 300_000;

/** The Git host did not do what it was asked. */
class Unanswered extends Error {}

/**
 * Puts a commit on top of the newest one of a branch. Others push at the same time, people and bumps. Whoever is second
 * starts over from what the first one left, so nothing is lost, and decides anew whether there is anything to do.
 *
 * @param folder a clone with the whole history; its files and its index are left alone
 * @param what is pushed, for people
 * @param make makes the commit on top of the branch's newest one, or says why not
 * @throws UserError when the Git host refuses, or does not answer
 */
export async function pushOnTop(
  folder: string,
  what: string,
  { remote = "origin", branch = "main" }: Branch,
  make: (tip: string) => Promise<Outcome>,
): Promise<Outcome> {
  const git = gitIn(folder);
  const ask = (...args: string[]) =>
    git(...args).catch((error: Error) => {
      throw new Unanswered(error.message);
    });
  const end = performance.now() + patience;
  let [tip, refused] = ["", ""];
  for (;;) {
    try {
      const [line = ""] = (await ask("ls-remote", remote, `refs/heads/${branch}`)).split("\n");
      tip = line.split("\t")[0] as string;
      await ask("fetch", "--quiet", "--no-write-fetch-head", remote, tip);
      const made = await make(tip);
      if ("commit" in made)
        await ask("push", "--quiet", remote, `${made.commit}:refs/heads/${branch}`);
      return made;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      const isFinal = isRefusal(error) && tip === refused;
      if (isFinal || performance.now() > end) {
        throw new UserError(`The ${what} cannot be pushed to ${branch}.\n  ${error.message}`);
      }
      // Once may be a fault of the host's; twice, and nobody pushed meanwhile, is its answer.
      if (isRefusal(error)) refused = tip;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
    }
  }
}

/** Whether the host gave an answer: not that somebody was quicker by less than it takes to look, nor that it is ill. */
const isRefusal = ({ message }: Error) =>
  /remote re(jected|f )|denied|Authentication failed|read Username|error: 4|not appear/.test(
    message,
  ) && !/cannot lock ref|failed to update ref|incorrect old value|Internal Server/.test(message);
