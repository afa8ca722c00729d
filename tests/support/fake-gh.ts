import { type Failure, type FakeProgram, fakeProgram, type Table } from "./fake-program.ts";

export type { FakeProgram as FakeGh, Table };

/** gh with a token. */
export const signedIn: Table = { "auth token": ["gho_a-token"] };

/** How gh fails when GitHub refuses. */
export const httpError = (status: number, message: string): Failure => ({
  code: 1,
  stderr: `gh: ${message} (HTTP ${status})`,
});

/** A gh whose calls are those to GitHub: whether it has a token is not counted. */
export function fakeGh(table: Table): FakeProgram {
  const gh = fakeProgram("gh", table);
  return { ...gh, calls: () => gh.calls().filter(({ args }) => args !== "auth token") };
}
