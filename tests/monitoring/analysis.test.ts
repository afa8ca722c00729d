// What releases are judged by: each query, with counts that pass and counts that do not.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { run } from "../../tools/cli/command.ts";
import { findTool } from "../../tools/cli/pinned-tools.ts";
import { documents } from "../../tools/render/manifests.ts";
import { type Fields, here } from "../support/repository.ts";
import { temporary } from "../support/temporary.ts";

const promtool = await findTool("promtool");
/** Without it these are left out, and make test says so; at CI they fail. */
const withPromtool = promtool || process.env.CI ? test : test.skip;

/** The queries of a file with AnalysisTemplates, by the names of the metrics, as of pods with the hash `new`. */
const queriesIn = (file: string): Record<string, string> =>
  Object.fromEntries(
    documents(readFileSync(file, "utf8"))
      .flatMap(({ spec }) => spec.metrics as Fields[])
      .flatMap(({ name, provider }) => {
        const query = provider.prometheus?.query as string | undefined;
        const of = { "{{args.pods}}": "new", "{{args.pods-before}}": "before" };
        const told = Object.entries(of).reduce(
          (text, [arg, value]) => text?.replaceAll(arg, value),
          query,
        );
        return told ? [[name, told]] : [];
      }),
  );

const payment = queriesIn("apps/payment/base/analysis.yaml");
const template = queriesIn("tools/templates/analysis.yaml");

/** A series of one of the new pods, unless its labels say another one. */
const series = (namespace: string) => (name: string, value: number, labels: object) => {
  const all = { namespace, pod: "one", pod_template_hash: "new", ...labels };
  const pairs = Object.entries(all).map(([label, text]) => `${label}="${text}"`);
  return { series: `${name}{${pairs.join()}}`, values: `${value}` };
};

type Counts = [name: string, value: number, labels: object][];

/** @returns what promtool finds wrong; nothing where the query gives that */
async function wrong(
  namespace: string,
  query: string,
  counts: Counts,
  passes: boolean | undefined,
) {
  const samples = passes === undefined ? [] : [{ labels: "{}", value: Number(passes) }];
  const file = join(temporary(), "test.json");
  const expr = `(${query}) <= bool 0`;
  const one = {
    interval: "5s",
    input_series: counts.map((count) => series(namespace)(...count)),
    promql_expr_test: [{ expr, eval_time: "0s", exp_samples: samples }],
  };
  writeFileSync(file, JSON.stringify({ evaluation_interval: "5s", tests: [one] }));
  return run(promtool?.command ?? "promtool", ["test", "rules", file], { both: true }).then(
    () => "",
    ({ message }: Error) => message,
  );
}

const route = "/api/v1/charge";
const charges = (status: string, value: number, labels = {}): Counts[number] => [
  "http_requests_total",
  value,
  { route, status, ...labels },
];
const decided = (accepted: number, expected: number, variance: number): Counts => [
  ["payment_charges_total", accepted, { result: "accepted", currency: "EUR" }],
  ["payment_charges_total", 1e6, { result: "refused", currency: "EUR" }],
  ["payment_charges_expected_total", expected, {}],
  ["payment_charges_variance_total", variance, {}],
];
/** @param mean seconds that each of a hundred charges took */
const took = (pod_template_hash: string, mean: number, count = 100): Counts => [
  ["http_request_duration_seconds_sum", mean * count, { route, pod_template_hash }],
  ["http_request_duration_seconds_count", count, { route, pod_template_hash }],
];

for (const [what, metric, counts, passes] of [
  ["one in five", "failed-charges", [charges("200", 800), charges("503", 200)], false],
  ["one in a hundred", "failed-charges", [charges("200", 990), charges("503", 10)], true],
  ["three of five, as the network may be ill", "failed-charges", [charges("500", 3)], true],
  ["four of five", "failed-charges", [charges("200", 1), charges("500", 4)], false],
  ["none, and nobody charges", "failed-charges", [charges("200", 0), charges("500", 0)], true],
  [
    "none, and all of the version before",
    "failed-charges",
    [charges("200", 5), charges("500", 0), charges("500", 90, { pod_template_hash: "before" })],
    true,
  ],
  [
    "synthetic ones alone",
    "failed-charges",
    [charges("200", 0), charges("500", 0), charges("500", 90, { route: `${route} (synthetic)` })],
    true,
  ],
  ["360 of 400, where half is configured", "accepted-charges", decided(360, 200, 100), false],
  ["200 of 400", "accepted-charges", decided(200, 200, 100), true],
  ["as many as chance explains", "accepted-charges", decided(250, 200, 100), true],
  ["one more than that", "accepted-charges", decided(251, 200, 100), false],
  ["one, where none is configured", "accepted-charges", decided(1, 0, 0), false],
  ["none, and nobody charges", "accepted-charges", decided(0, 0, 0), true],
  [
    "ten times as long",
    "seconds-of-a-charge",
    [...took("before", 0.005), ...took("new", 0.05)],
    false,
  ],
  [
    "three times as long",
    "seconds-of-a-charge",
    [...took("before", 0.005), ...took("new", 0.015)],
    true,
  ],
  [
    "ten times as long, and too few to know",
    "seconds-of-a-charge",
    [...took("before", 0.005), ...took("new", 0.05, 99)],
    undefined,
  ],
] as [string, string, Counts, boolean | undefined][]) {
  withPromtool(`${metric}: ${what}`, async (t) => {
    t.is(await wrong("app-payment", payment[metric] as string, counts, passes), "");
  });
}

withPromtool("a release waits until Prometheus sees a new pod", async (t) => {
  const query = payment["seen-by-prometheus"] as string;
  const up = (value: number, pod: string): Counts[number] => [
    "up",
    value,
    { job: "services", pod },
  ];
  const seen = (counts: Counts) => wrong("app-payment", `${query} < 1`, counts, undefined);
  t.is(await seen([up(1, "one"), up(1, "two")]), "");
  // The control: it is not there where none is up.
  t.regex(await wrong("app-payment", query, [up(0, "one")], true), /FAILED/);
});

test("a new service is judged by the same, of all that it is asked", (t) => {
  const generic = (queries: Record<string, string>) =>
    JSON.stringify(queries)
      .replaceAll("charge", "request")
      .replaceAll(`, route=\\"/api/v1/request\\"`, "")
      .replaceAll("app-payment", "app-template");
  const { "accepted-charges": _, ...others } = payment;
  t.is(JSON.stringify(template), generic(others));
});

withPromtool("failed-requests: one in five", async (t) => {
  const counts = [charges("200", 800), charges("503", 200)];
  t.is(await wrong("app-template", template["failed-requests"] as string, counts, false), "");
});

test("every file with analyses is tried", (t) => {
  const files = here.allFiles.filter(
    (file) => /\.yaml$/.test(file) && /^kind: AnalysisTemplate$/m.test(here.read(file)),
  );
  t.deepEqual(files.toSorted(), [
    "apps/payment/base/analysis.yaml",
    "tools/templates/analysis.yaml",
  ]);
});
