import { run, succeeds, UserError } from "../cli/command.ts";

/** Whether gh, GitHub's command-line tool, is installed and has a token: from GH_TOKEN, or from gh auth login. */
export const isSignedIn = (): Promise<boolean> => succeeds("gh", ["auth", "token"]);

/** How it gets to be. */
export const howToSignIn =
  "Install gh (https://cli.github.com), then gh auth login, or put a token into GH_TOKEN.";

/**
 * Runs gh.
 * @param needs what the token must be able to do, in sentences: shown when gh fails
 * @param input for gh's standard input
 * @returns what it printed
 */
export function gh(args: string[], needs: string, input = ""): Promise<string> {
  return run("gh", args, { input }).catch(({ message }: Error) => {
    // GitHub answers it with the status of a missing permission.
    const why = /rate limit|HTTP 429/i.test(message)
      ? "It has had too many requests of this token or this address for now: its rate limit is reached. Try again in an hour."
      : needs;
    throw new UserError(`GitHub did not do this. ${why}\n  ${message}`);
  });
}

/** A command of gh for people, as a shell takes it. */
export function shown(args: string[], input: string): string {
  const words = args.map((word) =>
    /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return `gh ${words.join(" ")} <<'END'\n${input}\nEND`;
}
