import Joi from "joi";

/** What every service reads from its environment. */
export interface BaseConfig {
  /** Address to listen on. */
  HOST: string;
  /** TCP port; 0 lets the system choose one. */
  PORT: number;
  /** Seconds to keep serving after SIGTERM, for those to leave who send requests. */
  DRAIN_SECONDS: number;
}

/** The variables of every service, with the service's defaults. */
export const baseVariables = ({ PORT, DRAIN_SECONDS }: Omit<BaseConfig, "HOST">) => ({
  HOST: Joi.string().hostname().default("0.0.0.0"),
  PORT: Joi.number().port().default(PORT),
  DRAIN_SECONDS: Joi.number().min(0).max(600).default(DRAIN_SECONDS),
});

/** A variable that has another name by now: whoever sets it is told, instead of getting the default. */
export const renamedTo = (name: string) =>
  Joi.forbidden().messages({ "any.unknown": `{#label} is called ${name} now` });

/**
 * Reads the configuration from environment variables; others than those of the schema are ignored.
 * @throws Error naming every variable that is wrong and what it should be
 */
export function readConfig<Config>(schema: Joi.ObjectSchema, env: NodeJS.ProcessEnv): Config {
  const { value, error } = schema.validate(env, { abortEarly: false, stripUnknown: true });
  if (error) throw new Error(`The environment is wrong: ${error.message}`);
  return value;
}
