/** GitHub Actions among the apps of GitHub. */
const githubActions = 15368;

/**
 * Who may merge what, as GitHub's REST API takes it; .github/CODEOWNERS says who owns which path.
 * See docs.github.com/en/rest/repos/rules.
 */
export const ruleset = {
  name: "main",
  target: "branch",
  enforcement: "active",
  // Nobody, administrators included: they can change the ruleset, and its history shows that. See withBumpApp.
  bypass_actors: [],
  // The branch that Argo CD reads.
  conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
  rules: [
    // Both would take commits out of main again.
    { type: "deletion" },
    { type: "non_fast_forward" },
    {
      // Reviews by code owners have force only as a part of this rule, and a team must have write
      // access to the repository to be an owner.
      type: "pull_request",
      parameters: {
        // One commit for each pull request: main is linear, and git revert takes back all of it.
        allowed_merge_methods: ["squash"],
        required_approving_review_count: 1,
        require_code_owner_review: true,
        // What is merged is what was approved, by somebody other than who pushed it last.
        dismiss_stale_reviews_on_push: true,
        require_last_push_approval: true,
        required_review_thread_resolution: true,
      },
    },
    {
      type: "required_status_checks",
      parameters: {
        // Tested together with the newest main.
        strict_required_status_checks_policy: true,
        // The jobs of .github/workflows/test.yaml. Of that app alone: without it, anybody who may
        // push can set a status by the same name.
        required_status_checks: [
          { context: "test", integration_id: githubActions },
          { context: "cluster", integration_id: githubActions },
        ],
      },
    },
  ],
} satisfies Ruleset;

/**
 * The same, but for one GitHub App, which pushes bumps to the branch without a pull request.
 * @param id the App's, from its settings; without one nobody may
 */
export const withBumpApp = (id?: number): Ruleset =>
  id === undefined
    ? ruleset
    : {
        ...ruleset,
        bypass_actors: [{ actor_id: id, actor_type: "Integration", bypass_mode: "always" }],
      };

/** What we read of a ruleset. */
export interface Ruleset {
  name: string;
  rules?: { type: string; parameters?: Record<string, unknown> }[];
  [field: string]: unknown;
}

/**
 * Compares GitHub's ruleset with ours. What ours does not mention is GitHub's to fill in, save for
 * rules: one more would stop merges that we mean to allow.
 * @returns a line for each field, such as "rules.pull_request.require_code_owner_review: should be
 * true, is false"; none when it is as it should be
 */
export function differences(github: Ruleset, ours: Ruleset = ruleset): string[] {
  const [should, is] = [byType(ours), byType(github)];
  const more = Object.keys(is.rules).filter((type) => !Object.hasOwn(should.rules, type));
  return [...compare(should, is), ...more.map((type) => `rules.${type}: should be absent`)];
}

/** A ruleset with its rules by type, because their order says nothing. */
const byType = ({ rules = [], ...rest }: Ruleset) => ({
  ...rest,
  rules: Object.fromEntries(rules.map(({ type, parameters = {} }) => [type, parameters])),
});

function compare(should: unknown, is: unknown, path: string[] = []): string[] {
  if (isObject(should) && isObject(is)) {
    return Object.entries(should).flatMap(([key, value]) =>
      compare(value, is[key], [...path, key]),
    );
  }
  return isSame(should, is) ? [] : [`${path.join(".")}: should be ${show(should)}, is ${show(is)}`];
}

/** Lists are the same in any order. */
function isSame(should: unknown, is: unknown): boolean {
  if (!Array.isArray(should) || !Array.isArray(is)) return should === is;
  return (
    should.length === is.length &&
    should.every((item) => is.some((other) => compare(item, other).length === 0))
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value for people. A rule without parameters is there or it is not. */
const show = (value: unknown): string => {
  if (value === undefined) return "absent";
  return isObject(value) && Object.keys(value).length === 0 ? "there" : JSON.stringify(value);
};
