import { run, succeeds, UserError } from "../cli/command.ts";
import { isRateLimit, rateLimited } from "./client.ts";

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
  return run("gh", args, { input }).catch((error: Error) => {
    if (isRateLimit(error.message)) throw new UserError(`${rateLimited()}\n  ${error.message}`);
    throw new UserError(`GitHub did not do this. ${needs}\n  ${error.message}`);
  });
}

/** A command of gh for people, as a shell takes it. */
export function shown(args: string[], input: string): string {
  const words = args.map((word) =>
    /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return `gh ${words.join(" ")} <<'END'\n${input}\nEND`;
}
