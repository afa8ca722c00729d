/** Where a value stands: in whose folder, and what Git has beside it. */
export interface Place {
  /** The folder in apps/; nothing in the platform's folders. */
  team?: string;
  /** Where this repository's images are, such as ghcr.io/an-owner/a-repository. */
  registry: string;
  /** Whether a path, from the file that names it, is one of a file of the same owner. */
  isFile(path: string): boolean;
  /** The same, of a folder with a kustomization. */
  isFolder(path: string): boolean;
}

/** What a scalar may be. */
export interface Value {
  /** In words, for whoever is refused and for the documentation. */
  says: string;
  is(value: unknown, place: Place): boolean;
}

/** A value, a list, or fields by their exact names; one whose name ends in ! must be there. */
export type Shape = Value | readonly [Shape] | Fields;

export interface Fields {
  readonly [name: string]: Shape;
}

export const isValue = (shape: Shape): shape is Value =>
  "is" in shape && typeof shape.is === "function";

export const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);

export const value = (says: string, is: Value["is"]): Value => ({ says, is });

export const oneOf = (...values: (string | number | boolean)[]): Value =>
  value(values.map((one) => `\`${one}\``).join(" or "), (given) =>
    values.some((one) => one === given),
  );

/** A whole number within both limits. */
export const from = (least: number, most: number): Value =>
  value(
    `${least} to ${most}`,
    (given) => Number.isInteger(given) && Number(given) >= least && Number(given) <= most,
  );

/** A text in which the whole of it has a form. What YAML reads as a number has a form as well. */
export const text = (says: string, form: RegExp): Value =>
  value(says, (given) => ["string", "number"].includes(typeof given) && form.test(`${given}`));
