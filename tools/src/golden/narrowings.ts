// What an older release has written has to fit a newer schema: where the newer one takes less, it is named here.

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly [limit: string]: unknown;
}

/** Limit → whether a greater one takes more. */
const LIMITS = {
  maxLength: true,
  maximum: true,
  exclusiveMaximum: true,
  maxItems: true,
  maxProperties: true,
  minLength: false,
  minimum: false,
  exclusiveMinimum: false,
  minItems: false,
  minProperties: false,
} as const;

/** Empty = whatever fits the older one fits the newer one. Told as `where: what`. */
export function narrowings(older: object, newer: object, at = 'data'): readonly string[] {
  return compare(older as JsonSchema, newer as JsonSchema, at);
}

function compare(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  const options = optionsOf(older);
  const taken = optionsOf(newer);
  if (options.length > 1 || taken.length > 1) {
    return options.flatMap((option, nth) => {
      const outcomes = taken.map((one) => compareOne(option, one, at));
      if (outcomes.some((outcome) => outcome.length === 0)) return [];
      // The nearest tells best what is missing.
      const [nearest = []] = outcomes.toSorted((a, b) => a.length - b.length);
      return options.length > 1
        ? [`${at}: form ${nth + 1} of ${options.length} is not taken any more (${nearest.join('; ')})`]
        : nearest;
    });
  }
  return compareOne(older, newer, at);
}

const optionsOf = (schema: JsonSchema): readonly JsonSchema[] => {
  const options = schema.anyOf ?? schema.oneOf;
  return options === undefined ? [schema] : options.flatMap(optionsOf);
};

function compareOne(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  if (older.anyOf ?? older.oneOf ?? newer.anyOf ?? newer.oneOf) return compare(older, newer, at);
  return [
    ...typeNarrowed(older, newer, at),
    ...valuesNarrowed(older, newer, at),
    ...limitsNarrowed(older, newer, at),
    ...propertiesNarrowed(older, newer, at),
    ...(older.items && newer.items ? compare(older.items, newer.items, `${at}[]`) : []),
    ...(isSchema(older.additionalProperties) && isSchema(newer.additionalProperties)
      ? compare(older.additionalProperties, newer.additionalProperties, `${at}{}`)
      : []),
  ];
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;
const typesOf = ({ type }: JsonSchema): readonly string[] => (type === undefined ? [] : typeof type === 'string' ? [type] : type);

function typeNarrowed(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  const taken = typesOf(newer);
  if (taken.length === 0) return [];
  const given = typesOf(older);
  if (given.length === 0) return [`${at}: was anything, is ${taken.join(' or ')} now`];
  const lost = given.filter((type) => !taken.includes(type) && !(type === 'integer' && taken.includes('number')));
  return lost.map((type) => `${at}: ${type} is not taken any more, only ${taken.join(' or ')}`);
}

const valuesOf = (schema: JsonSchema): readonly unknown[] | null =>
  schema.enum ?? (Object.hasOwn(schema, 'const') ? [schema.const] : null);

function valuesNarrowed(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  const taken = valuesOf(newer);
  if (taken === null) return [];
  const given = valuesOf(older);
  if (given === null) return [`${at}: could be anything, is one of ${JSON.stringify(taken)} now`];
  return given.filter((value) => !taken.includes(value)).map((value) => `${at}: ${JSON.stringify(value)} is not taken any more`);
}

function limitsNarrowed(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  const narrowed: string[] = [];
  for (const [limit, greater_takes_more] of Object.entries(LIMITS)) {
    const [was, is] = [older[limit], newer[limit]];
    if (typeof is !== 'number') continue;
    if (typeof was !== 'number') narrowed.push(`${at}: had no ${limit}, has ${is} now`);
    else if (greater_takes_more ? is < was : is > was) narrowed.push(`${at}: ${limit} was ${was}, is ${is} now`);
  }
  for (const text of ['pattern', 'format'] as const)
    if (newer[text] !== undefined && newer[text] !== older[text])
      narrowed.push(`${at}: ${text} was ${older[text] ?? 'any'}, is ${newer[text]} now`);
  return narrowed;
}

function propertiesNarrowed(older: JsonSchema, newer: JsonSchema, at: string): readonly string[] {
  const narrowed: string[] = [];
  for (const name of newer.required ?? [])
    if (older.required?.includes(name) !== true) narrowed.push(`${at}.${name}: could be left out, is required now`);
  for (const [name, schema] of Object.entries(older.properties ?? {})) {
    const now = newer.properties?.[name];
    // What is not declared any more is thrown away on reading: whoever wrote it meant something.
    if (now === undefined) narrowed.push(`${at}.${name}: is gone`);
    else narrowed.push(...compare(schema, now, `${at}.${name}`));
  }
  return narrowed;
}
