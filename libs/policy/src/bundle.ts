/** A bundle is a directory with `policy.cedar` and `manifest.json`; what it is called and what it contains is one digest. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILES = ['manifest.json', 'policy.cedar'] as const;

export interface Bundle {
  readonly id: string;
  readonly version: string;
  /** `sha256:<hex>` over the names and bytes of its files. */
  readonly digest: string;
  readonly rules: string;
  /** Name → glob patterns; whether a change touches one is what the rules may ask. */
  readonly path_sets: Readonly<Record<string, readonly string[]>>;
}

const isName = (value: unknown): value is string => typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{0,62}$/.test(value);
const isSetName = (value: string): boolean => /^[a-z][a-z0-9_]{0,62}$/.test(value);
const isPatterns = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((pattern) => typeof pattern === 'string' && pattern !== '');

function manifestOf(text: string, path: string): Pick<Bundle, 'id' | 'version' | 'path_sets'> {
  let manifest: Record<string, unknown>;
  try {
    manifest = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const { id, version, path_sets = {} } = manifest ?? {};
  if (!isName(id)) throw new Error(`${path}: "id" must be lower-case letters, digits, dots and dashes, such as "default"`);
  if (!isName(version)) throw new Error(`${path}: "version" must be a text such as "1.0.0"`);
  if (typeof path_sets !== 'object' || path_sets === null || Array.isArray(path_sets))
    throw new Error(`${path}: "path_sets" must be an object of names to lists of patterns`);
  for (const [name, patterns] of Object.entries(path_sets)) {
    if (!isSetName(name))
      throw new Error(`${path}: "path_sets.${name}" must be named with lower-case letters, digits and underscores`);
    if (!isPatterns(patterns))
      throw new Error(`${path}: "path_sets.${name}" must be a list of at least one pattern, such as ["deploy/**"]`);
  }
  return { id, version, path_sets: path_sets as Bundle['path_sets'] };
}

/** Reads a bundle once, at start. Throws an error that names the file and the fix. */
export function readBundle(directory: string): Bundle {
  const hash = createHash('sha256');
  const texts = FILES.map((name) => {
    const bytes = readFileSync(join(directory, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
    return bytes.toString('utf8');
  });
  return { ...manifestOf(texts[0]!, join(directory, FILES[0])), rules: texts[1]!, digest: `sha256:${hash.digest('hex')}` };
}
