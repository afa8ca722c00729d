import Joi from "joi";

/** What the environment may set, each with its default. */
const schema = Joi.object({
  /** Address to listen on. */
  HOST: Joi.string().hostname().default("0.0.0.0"),
  /** TCP port; 0 lets the system choose one. */
  PORT: Joi.number().port().default(9000),
  /** Share of charges to accept, 0 to 1. */
  ACCEPTANCE_SHARE: Joi.number().min(0).max(1).default(0.5),
});

export interface Config {
  HOST: string;
  PORT: number;
  ACCEPTANCE_SHARE: number;
}

/**
 * Reads the configuration from environment variables.
 * @throws Error naming every variable that is wrong and what it should be
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const { value, error } = schema.validate(env, { abortEarly: false, stripUnknown: true });
  if (error) throw new Error(`The environment is wrong: ${error.message}`);
  return value;
}
