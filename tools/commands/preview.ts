// make preview: what the clusters would get by the commits since BASE.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, UserError } from "../cli/command.ts";
import { revisionOption } from "../cli/options.ts";
import { warn } from "../cli/progress.ts";
import { contains, mustResolve } from "../delivery/history.ts";
import { filesOf, git } from "../git/git.ts";
import { reaches } from "../git/kustomizations.ts";
import { guard, sentence, table } from "../guard/guard.ts";
import { treeOf } from "../guard/tree.ts";
import { branch } from "../kubernetes/cluster.ts";
import { page, refusal } from "../preview/page.ts";
import { parts } from "../preview/parts.ts";
import { complete, sources } from "../render/sources.ts";
import { owners, rules as parse } from "../repository/codeowners.ts";

/** GitHub takes 65,536 characters in a comment, and a mebibyte in a workflow's summary. */
const limits = { comment: 65_000, summary: 1_000_000 };

main(async () => {
  const [since, until] = [revisionOption("BASE", branch), revisionOption("HEAD", "HEAD")];
  const advice =
    "name one that is, such as make preview BASE=HEAD~1; git fetch brings those of others.";
  const head = await mustResolve(until, advice);
  const base = await fork(await mustResolve(since, advice), head);
  if (until === "HEAD" && (await git(["status", "--porcelain"]))) {
    warn("Only commits are shown; there are changes that are not committed.");
  }
  if (base === head) warn(`There is nothing since ${since}: choose an older BASE.`);

  const files = { base: await filesOf(base), head: await filesOf(head) };
  // GitHub takes the owners from the branch that is merged into.
  const codeowners = join(files.base, ".github/CODEOWNERS");
  const rules = parse(existsSync(codeowners) ? readFileSync(codeowners, "utf8") : "");
  const refused = [
    // Whoever wrote a commit that nobody has reviewed could run programs by what Kustomize reads.
    ...((await contains(branch, base)) ? [] : guard(await treeOf(base, files.base))),
    ...guard(await treeOf(head, files.head)),
  ];
  if (refused.length > 0) {
    const whom = owners(rules, table);
    const lines = [...new Set(refused.map((finding) => sentence(finding, whom)))];
    save((limit) => refusal(lines, head.slice(0, 7), limit));
    const list = lines.map((line) => `  ${line}`).join("\n");
    throw new UserError(`Nothing is rendered: the commit has what is not allowed.\n${list}`);
  }

  const changed = await git(["diff", "--name-only", "--no-renames", "-z", base, head]);
  const paths = changed.split("\0").filter(Boolean);
  const isSame = async (path: string) =>
    !(await reaches(base, [path], paths)) && !(await reaches(head, [path], paths));
  const known = await sources(files.base, [], isSame);
  const after = await sources(files.head, known, isSame);
  // An Application that is removed: what it deployed is to be counted.
  const before = await complete(files.base, known, after);
  const reviewers = new Set(paths.flatMap((file) => owners(rules, file)));

  const found = parts(before, after, rules, branch);
  const shown = (limit: number) =>
    page(found, [base.slice(0, 7), head.slice(0, 7)], [...reviewers].sort(), limit);
  save(shown);
  if (!process.env.GITHUB_STEP_SUMMARY) console.log(shown(Number.POSITIVE_INFINITY));

  const broken = found.filter(({ error }) => error !== undefined).map(({ name }) => name);
  if (broken.length > 0) throw new UserError(`This does not render: ${broken.join(", ")}.`);
});

/** For the comment and for the workflow's summary. @param shown as much of a page as a number of bytes has room for */
function save(shown: (limit: number) => string): void {
  mkdirSync("report", { recursive: true });
  writeFileSync("report/preview.md", shown(limits.comment));
  const { GITHUB_STEP_SUMMARY } = process.env;
  if (GITHUB_STEP_SUMMARY) appendFileSync(GITHUB_STEP_SUMMARY, shown(limits.summary));
}

/** Where the head left the base: what came to the base since is not the head's doing. */
function fork(base: string, head: string): Promise<string> {
  return git(["merge-base", base, head]).catch(() => {
    throw new UserError(
      `${base.slice(0, 7)} and ${head.slice(0, 7)} have no commit in common here. In a shallow clone: git fetch --unshallow.`,
    );
  });
}
