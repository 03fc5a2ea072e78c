// A zod schema as a table of fields; schemas that the contracts name are shown once, by their name.
import * as contracts from '@baton/contracts';
import { z } from 'zod';
import { table } from './markdown.ts';
import type { DocComments } from './doc-comments.ts';

export type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
};

const SUFFIX = 'Schema';
const named = Object.entries(contracts as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType && entry[0].endsWith(SUFFIX),
);
const typeName = (exported: string): string => `${exported.charAt(0).toUpperCase()}${exported.slice(1, -SUFFIX.length)}`;
const registry = z.registry<{ id: string }>();
for (const [exported, schema] of named) registry.add(schema, { id: typeName(exported) });
const exportedAs = new Map(named.map(([exported]) => [typeName(exported), exported]));

/** Of what is sent (`input`), a field that has a default may be left out; in what was recorded it is there. */
type Side = 'input' | 'output';
const jsonSchemaOf = (schema: z.ZodType, io: Side): JsonSchema =>
  z.toJSONSchema(schema, { metadata: registry, io, unrepresentable: 'any' }) as JsonSchema;

/** Field by field; the names of the types that it uses are added to `used`. */
export function fieldTable(
  schema: z.ZodType,
  owner: string,
  comments: DocComments,
  used: Set<string>,
  side: Side = 'output',
): string[] {
  const json = jsonSchemaOf(schema, side);
  const own = json.$ref === undefined ? json : (json.$defs?.[refName(json.$ref)] ?? json);
  if (own.properties === undefined) return [typeOf(own, used)];
  const rows = Object.entries(own.properties).map(([field, property]) => [
    `\`${field}\`${own.required?.includes(field) === true ? '' : ' (optional)'}`,
    typeOf(property, used),
    comments.get(`${owner}.${field}`) ?? '',
  ]);
  return table(['field', 'type', ''], rows);
}

const refName = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

function typeOf(schema: JsonSchema, used: Set<string>): string {
  if (schema.$ref !== undefined) {
    const name = refName(schema.$ref);
    used.add(name);
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const union = schema.anyOf ?? schema.oneOf;
  if (union !== undefined) return union.map((member) => typeOf(member, used)).join(' or ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items, used)}${limits(schema.minItems, schema.maxItems)}`;
  if (schema.type === 'object') return objectType(schema, used);
  if (schema.type === 'string')
    return schema.pattern === undefined ? `string${limits(undefined, schema.maxLength)}` : `string like \`${schema.pattern}\``;
  if (schema.type === 'integer' || schema.type === 'number') return `${schema.type}${limits(schema.minimum, schema.maximum)}`;
  return schema.type === undefined ? 'anything' : [schema.type].flat().join(' or ');
}

function objectType(schema: JsonSchema, used: Set<string>): string {
  const fields = Object.entries(schema.properties ?? {}).map(([field, property]) => `${field}: ${typeOf(property, used)}`);
  if (fields.length > 0) return `{ ${fields.join(', ')} }`;
  const values = schema.additionalProperties;
  return typeof values === 'object' ? `map of ${typeOf(values, used)}` : 'object';
}

function limits(min: number | undefined, max: number | undefined): string {
  const least = min === undefined || min <= Number.MIN_SAFE_INTEGER ? undefined : `at least ${String(min)}`;
  const most = max === undefined || max >= Number.MAX_SAFE_INTEGER ? undefined : `at most ${String(max)}`;
  const both = [least, most].filter((limit) => limit !== undefined);
  return both.length === 0 ? '' : ` (${both.join(', ')})`;
}

/** A section for each type in `used`, and for those that they use in turn. */
export function typeSections(used: Set<string>, comments: DocComments): string[] {
  const shown = new Map<string, string[]>();
  for (let open = [...used]; open.length > 0; open = [...used].filter((name) => !shown.has(name))) {
    for (const name of open) shown.set(name, typeSection(name, comments, used));
  }
  return [...shown].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, section]) => section);
}

function typeSection(name: string, comments: DocComments, used: Set<string>): string[] {
  const exported = exportedAs.get(name);
  const schema = named.find(([candidate]) => candidate === exported)?.[1];
  if (exported === undefined || schema === undefined) throw new Error(`no schema of the contracts is called ${name}`);
  const comment = comments.get(exported);
  return [
    `### ${name}`,
    '',
    ...(comment === undefined ? [] : [comment, '']),
    ...fieldTable(schema, exported, comments, used),
    '',
  ];
}
