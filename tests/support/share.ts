/** Where it stands what share of its charges payment accepts in testing. The tests' example of a value. */
export const valuesFile = "apps/payment/overlays/testing/rollout.yaml";

/** The same file with another share. */
export const withShare =
  (value: string) =>
  (text: string): string =>
    text.replace('value: "0.5"', `value: "${value}"`);
