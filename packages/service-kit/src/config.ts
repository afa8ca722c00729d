import Joi from "joi";

/** What variables say, by their schemas: numbers and texts. Which of them may be left out, the service knows. */
export type Values<Variables> = {
  [Name in keyof Variables]: Variables[Name] extends Joi.NumberSchema ? number : string;
};

/** The variables of every service, with the service's defaults. */
export const baseVariables = (defaults: { PORT: number; DRAIN_SECONDS: number }) => ({
  /** Address to listen on. */
  HOST: Joi.string().hostname().default("0.0.0.0"),
  /** TCP port; 0 lets the system choose one. */
  PORT: Joi.number().port().default(defaults.PORT),
  /** Seconds to keep serving after SIGTERM, for those to leave who send requests. */
  DRAIN_SECONDS: Joi.number().min(0).max(600).default(defaults.DRAIN_SECONDS),
});

export type BaseConfig = Values<ReturnType<typeof baseVariables>>;

/** What Kubernetes sets for each Service beside a pod: PAYMENT_SERVICE_HOST, PAYMENT_PORT_9000_TCP_ADDR. */
const serviceLink = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$/;

const pairs = (word: string) => new Set([...word].map((letter, at) => letter + word[at + 1]));

/** How alike two words are: of the pairs of letters in either, the share that both have. */
const likeness = (one: string, other: string) =>
  pairs(one).intersection(pairs(other)).size / pairs(one).union(pairs(other)).size;

/** Whoever misspelt a variable would get its default. Others than the service's own are not looked at. */
function misspelt(known: string[], name: string): string[] {
  if (known.includes(name) || serviceLink.test(name)) return [];
  const prefix = name.slice(0, name.indexOf("_") + 1);
  const own = known.filter((other) => prefix && other.startsWith(prefix));
  const near = (other: string) => other.length > 5 && likeness(name, other) > 0.6;
  return (own.length > 0 ? own : known.filter(near))
    .sort((one, other) => likeness(name, other) - likeness(name, one))
    .slice(0, 1)
    .map((nearest) => `"${name}" is not known: is ${nearest} meant?`);
}

/**
 * Reads the configuration from environment variables. One that is not in the schema is ignored, unless it
 * begins like one that is, up to the first "_", or is all but the same.
 * @throws Error naming every variable that is wrong and what it should be
 */
export function readConfig<Config>(schema: Joi.ObjectSchema, env: NodeJS.ProcessEnv): Config {
  const { value, error } = schema.validate(env, { abortEarly: false, stripUnknown: true });
  const known = Object.keys(schema.describe().keys);
  const wrong = Object.keys(env).flatMap((name) => misspelt(known, name));
  if (error) wrong.unshift(error.message);
  if (wrong.length > 0) throw new Error(`The environment is wrong: ${wrong.join(". ")}`);
  return value;
}
