/** The templates this planner knows: read once at the start, a faulty file stops the start and says what is wrong with it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@baton/handling';
import { parse } from 'yaml';
import { z } from 'zod';
import { templateSchema, type Template } from './template.ts';

export interface Templates {
  find(reference: string): { readonly template: Template; readonly digest: string } | undefined;
  readonly references: readonly string[];
}

export async function readTemplates(directory: string): Promise<Templates> {
  const files = (await readdir(directory)).filter((file) => /\.ya?ml$/.test(file)).toSorted();
  const known = new Map<string, { template: Template; digest: string }>();
  for (const file of files) {
    const path = join(directory, file);
    const parsed = templateSchema.safeParse(yamlOf(path, await readFile(path, 'utf8')));
    if (!parsed.success) throw new Error(`template ${path} does not fit:\n${z.prettifyError(parsed.error)}`);
    const reference = `${parsed.data.name}@${parsed.data.version}`;
    if (known.has(reference)) throw new Error(`template ${path}: ${reference} exists already; raise its version`);
    known.set(reference, { template: parsed.data, digest: digestOf(parsed.data) });
  }
  return { find: (reference) => known.get(reference), references: [...known.keys()] };
}

function yamlOf(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new Error(`template ${path} is not YAML: ${(cause as Error).message}`, { cause });
  }
}
