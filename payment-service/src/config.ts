import Joi from "joi";
import { baseVariables, readConfig as readWith, type Values } from "service-kit/config";

/** Share of charges to accept, 0 to 1. */
const ACCEPTANCE_SHARE = Joi.number().min(0).max(1).default(0.5);

/** What the environment may set, each with its default. */
const variables = {
  /**
   * Draining is long enough for whoever sends requests to learn of it, and for idle connections to end: they
   * are kept for five seconds, and one more. It is short enough to finish before the process is killed, ten
   * seconds after SIGTERM in Docker.
   */
  ...baseVariables({ PORT: 9000, DRAIN_SECONDS: 7 }),
  ACCEPTANCE_SHARE,
  /**
   * Without an Idempotency-Key, the same body within a window of so many seconds gets the same answer, from
   * every replica; 0 switches that off. For callers that send a charge again by themselves and know no
   * key. Two charges that are meant to be two, and are alike, get one answer as well.
   */
  REPEAT_WINDOW_SECONDS: Joi.number().integer().min(0).max(60).default(0),
  /** Makes each charge take this much longer, in milliseconds; for tests of those who call. */
  FAULT_LATENCY_MS: Joi.number().integer().min(0).max(600_000).default(0),
  /** Share of charges, 0 to 1, to fail with 503 before they are decided; for such tests too. */
  FAULT_ERROR_SHARE: Joi.number().min(0).max(1).default(0),
  /** Lets anybody charge, where no caller is told by the four below: nobody is let in by mistake. */
  CALLER: Joi.valid("anybody"),
  /** Who issues the tokens of callers: exactly their `iss`. */
  CALLER_ISSUER: Joi.string(),
  /**
   * URL of the issuer's public keys, a JWKS; it must answer without a token. The keys are kept for
   * an hour, so that the issuer may be away for as long.
   */
  CALLER_JWKS_URL: Joi.string().uri({ scheme: ["http", "https"] }),
  /** The audience that stands for payment: one of the tokens' `aud`. */
  CALLER_AUDIENCE: Joi.string(),
  /** The caller: exactly the tokens' `sub`, such as `system:serviceaccount:app-antaeus:antaeus`. */
  CALLER_SUBJECT: Joi.string(),
  /**
   * The `sub` of who may make synthetic charges, and no others; without it nobody may. Not CALLER_...: older versions
   * refuse names that begin so and that they do not know.
   */
  SYNTHETIC_SUBJECT: Joi.string(),
  /**
   * File of CA certificates, in PEM, that Node believes beside its own when it fetches the keys; it is read at each
   * fetch, as the kubelet replaces it.
   */
  CALLER_CA_FILE: Joi.string(),
};

const schema = Joi.object(variables)
  .xor("CALLER", "CALLER_ISSUER")
  .and("CALLER_ISSUER", "CALLER_JWKS_URL", "CALLER_AUDIENCE", "CALLER_SUBJECT")
  .with("CALLER_CA_FILE", "CALLER_ISSUER")
  .with("SYNTHETIC_SUBJECT", "CALLER_ISSUER")
  .messages({
    "object.and": "{#present} must come with {#missing}",
    "object.missing": "Who may charge? CALLER_ISSUER and three more say it, or CALLER=anybody",
    "object.xor": "CALLER must come without CALLER_ISSUER",
  });

type All = Values<typeof variables>;
type Known = "CALLER_ISSUER" | "CALLER_JWKS_URL" | "CALLER_AUDIENCE" | "CALLER_SUBJECT";

/** The one caller that may charge, and the one that may make synthetic charges. */
export type Caller = Pick<All, Known> & {
  CALLER?: never;
  SYNTHETIC_SUBJECT?: string;
  CALLER_CA_FILE?: string;
};

export type Config = Omit<All, keyof Caller> & (Caller | { CALLER: "anybody" });

export const readConfig = (env: NodeJS.ProcessEnv) => readWith<Config>(schema, env);

/** What a probe's environment may set. */
const probeVariables = {
  /** That of the pods that are probed. */
  ACCEPTANCE_SHARE,
  /** How many charges to make, with a key each. Of fewer than a hundred too little is to be known. */
  PROBE_CHARGES: Joi.number().integer().min(100).max(10_000).default(400),
  /** Within how many milliseconds 95 % of the charges have to be answered, each on a new connection. */
  PROBE_LATENCY_MS: Joi.number().integer().positive().default(1000),
  /** File of the token that tells payment who asks; without it none is sent. */
  PAYMENT_TOKEN_FILE: Joi.string(),
};

export type ProbeConfig = Values<Omit<typeof probeVariables, "PAYMENT_TOKEN_FILE">> & {
  PAYMENT_TOKEN_FILE?: string;
};

export const readProbeConfig = (env: NodeJS.ProcessEnv) =>
  readWith<ProbeConfig>(Joi.object(probeVariables), env);
