import { type Failure, type FakeProgram, fakeProgram, type Table } from "./fake-program.ts";

export type { Table };

/** gh with a token. */
export const signedIn: Table = { "auth token": ["gho_a-token"] };

/** How gh fails when GitHub refuses. */
export const httpError = (status: number, message: string): Failure => ({
  code: 1,
  stderr: `gh: ${message} (HTTP ${status})`,
});

/** What it was asked is without whether it has a token. */
export type FakeGh = Pick<FakeProgram, "folder" | "calls">;

/** @param table of answers, as they are while gh runs */
export function fakeGh(table: Table): FakeGh {
  const { folder, calls } = fakeProgram("gh", table);
  return { folder, calls: () => calls().filter(({ args }) => args !== "auth token") };
}
