// The last step of .github/workflows/preview.yaml: shows report/preview.md on the pull request that it is of.
import { readFileSync } from "node:fs";
import { main } from "../cli/command.ts";
import { GitHub } from "../github/client.ts";
import { marker } from "../preview/page.ts";

/** What we read of GitHub's event: the run of the tests that this follows. */
interface Event {
  repository: { default_branch: string };
  workflow_run: {
    head_branch: string;
    head_sha: string;
    head_repository: { owner: { login: string } };
  };
}

interface PullRequest {
  number: number;
  head: { sha: string };
  base: { ref: string };
}

interface Comment {
  id: number;
  user: { login: string } | null;
  body: string;
}

/** In whose name a workflow's token comments. Anybody may write our marker; only ours is ours to change. */
const bot = "github-actions[bot]";

main(async () => {
  const {
    GITHUB_API_URL = "https://api.github.com",
    GITHUB_EVENT_PATH = "",
    GITHUB_REPOSITORY = "",
    GITHUB_TOKEN = "",
  } = process.env;
  const body = readFileSync("report/preview.md", "utf8");
  const event: Event = JSON.parse(readFileSync(GITHUB_EVENT_PATH, "utf8"));
  const github = new GitHub(
    GITHUB_API_URL,
    GITHUB_TOKEN,
    "A workflow's token for this has the permission pull-requests: write.",
  );
  const repository = `/repos/${GITHUB_REPOSITORY}`;
  const numbers = await pullRequests(github, repository, event);
  if (numbers.length === 0) {
    return console.log(
      "▸ No open pull request has this commit as its newest: there is nothing to show.",
    );
  }
  for (const number of numbers) {
    const comment = await find(github, `${repository}/issues/${number}/comments`);
    if (comment?.body !== body) {
      await github.call(
        comment
          ? { method: "PATCH", path: `${repository}/issues/comments/${comment.id}`, body: { body } }
          : { method: "POST", path: `${repository}/issues/${number}/comments`, body: { body } },
      );
    }
    console.log(`▸ The preview is on pull request ${number}.`);
  }
});

/**
 * The pull requests that merge this commit, found by their branch: the event does not name those of forks.
 * A newer commit has a preview of its own.
 */
async function pullRequests(
  github: GitHub,
  repository: string,
  { repository: { default_branch }, workflow_run }: Event,
): Promise<number[]> {
  const { head_branch, head_sha, head_repository } = workflow_run;
  const query = new URLSearchParams({
    state: "open",
    head: `${head_repository.owner.login}:${head_branch}`,
  });
  const found = await github.call<PullRequest[]>({
    method: "GET",
    path: `${repository}/pulls?${query}`,
  });
  return found
    .filter(({ head, base }) => head.sha === head_sha && base.ref === default_branch)
    .map(({ number }) => number);
}

/** Our comment among all of a pull request's, a hundred at a time. */
async function find(github: GitHub, path: string): Promise<Comment | undefined> {
  for (let page = 1; ; page += 1) {
    const comments = await github.call<Comment[]>({
      method: "GET",
      path: `${path}?per_page=100&page=${page}`,
    });
    const found = comments.find(({ user, body }) => user?.login === bot && body.startsWith(marker));
    if (found || comments.length < 100) return found;
  }
}
