// The comments that stand above a schema or a field in the contracts are what the generated pages say about them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['events.ts', 'task.ts', 'mission.ts', 'path-pattern.ts', 'envelope.ts', 'inbound.ts'].map(
  (file) => `libs/contracts/src/${file}`,
);

/** `TaskReady` or `taskSchema.write_set` → what its comment says. */
export type DocComments = ReadonlyMap<string, string>;

const COMMENT = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export\s+)?(?:const\s+)?(\w+)\s*[:=]/g;
/** A schema by itself, or an event in the object of its category. */
const DECLARED = /^(?:(?:export )?const (\w+)\b| {2}(\w+): z\.object\()/gm;

export function docComments(root: string): DocComments {
  const comments = new Map<string, string>();
  for (const file of SOURCES)
    for (const [name, text] of commentsIn(readFileSync(join(root, file), 'utf8'))) comments.set(name, text);
  return comments;
}

export function commentsIn(source: string): Map<string, string> {
  const comments = new Map<string, string>();
  const declared = [...source.matchAll(DECLARED)].map((match) => ({ index: match.index, name: match[1] ?? match[2] ?? '' }));
  for (const match of source.matchAll(COMMENT)) {
    const text = (match[1] ?? '').replaceAll(/\s*\n\s*\*\s?/g, ' ').trim();
    const name = match[2] ?? '';
    const end = match.index + match[0].length;
    const around = declared.findLast(({ index }) => index < end);
    comments.set(around === undefined || around.name === name ? name : `${around.name}.${name}`, text);
  }
  return comments;
}
