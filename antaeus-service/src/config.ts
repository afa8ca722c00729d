import Joi from "joi";
import { baseVariables, readConfig as readWith, type Values } from "service-kit/config";

/** What the environment may set, each with its default. */
const variables = {
  /**
   * Draining is not long: no other Antaeus takes over before this one has ended. A pay run goes on for as long;
   * then those charges that are under way end, and it answers.
   */
  ...baseVariables({ PORT: 8000, DRAIN_SECONDS: 2 }),
  /** SQLite file that keeps customers and invoices; `:memory:` keeps them until the process ends. */
  DATABASE: Joi.string().default("antaeus.db"),
  /** Litestream's socket, where Litestream runs beside Antaeus: it says how old the backup is. */
  BACKUP_SOCKET: Joi.string(),
  /** Customers that the database has at least, for demonstrations and tests: made up, currencies in turn. */
  CUSTOMERS: Joi.number().integer().min(0).max(100_000).default(0),
  /** Invoices that each of them has at least, of random amounts; the first one is PAID. */
  INVOICES_PER_CUSTOMER: Joi.number().integer().min(0).max(10_000).default(0),
  /** Full URL of the charge call. */
  PAYMENT_PROVIDER_ENDPOINT: Joi.string()
    .uri({ scheme: ["http", "https"] })
    .required(),
  /**
   * File that holds a token of Antaeus's service account, sent with every charge; it is read for
   * each, as the kubelet replaces it. Unset, charges are sent without a token.
   */
  PAYMENT_TOKEN_FILE: Joi.string(),
  /** Time an attempt to charge may take, in milliseconds: when it stops the service waits for as long. */
  CHARGE_TIMEOUT_MS: Joi.number().integer().min(1).max(10_000).default(5000),
  /** Attempts to charge an invoice in a pay run, all under the same key, until there is an answer. */
  CHARGE_ATTEMPTS: Joi.number().integer().min(1).max(10).default(3),
  /** The first wait between attempts at most, in milliseconds; it doubles each time, up to 2,000. */
  RETRY_DELAY_MS: Joi.number().integer().min(0).max(2000).default(200),
  /** Charges that get no answer, one after the other, after which payment is left alone. */
  CIRCUIT_THRESHOLD: Joi.number().integer().min(1).max(1000).default(5),
  /** Charges under way at once in a pay run. */
  CHARGE_CONCURRENCY: Joi.number().integer().min(1).max(256).default(8),
};

type Optional = "BACKUP_SOCKET" | "PAYMENT_TOKEN_FILE";

export type Config = Omit<Values<typeof variables>, Optional> & { [name in Optional]?: string };

export const readConfig = (env: NodeJS.ProcessEnv) => readWith<Config>(Joi.object(variables), env);
