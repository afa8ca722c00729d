import type { Changes } from "./cluster.ts";

/** Where charges are decided. */
export const source = "payment-service/src/charge.ts";
const rolloutFile = "apps/payment/base/rollout.yaml";

/** One more variable of payment's. */
export const configured = (name: string, value: number) => (text: string) =>
  `${text}            - name: ${name}\n              value: "${value}"\n`;

/** The same release without analyses. */
export const unwatched: Changes = {
  [rolloutFile]: (text) =>
    text.replaceAll(/^ {6}(pre|post)PromotionAnalysis:\n(?: {8}.*\n)+/gm, ""),
};
