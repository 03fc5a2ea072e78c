/**
 * A mirror of which objects were lost or spoiled (a full disk, a power cut, a cleaner of temporary files) is made whole by adding what
 * was fetched anew: other slots and processes read and write it at the same time, and their unfinished work is nowhere else.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflate } from 'node:zlib';
import { codeOf } from '@baton/workbench';
import { GitFailure } from './git.ts';
import { unnamedIn } from './git-problems.ts';

/** What git says of objects, packs and refs that it cannot read. The other side's words are about the other side. */
const DAMAGE =
  /^(?:error|fatal): (?:object file .* is empty|(?:loose|packed) object .* is corrupt|inflate: |unable to unpack |failed to unpack |unable to read |could not read [0-9a-f]{40}|bad (?:tree )?object |bad revision |invalid object |not a valid object|[0-9a-f]{40} is not a valid |.* did not send all necessary objects|index file .* is too small|packfile .* (?:does not match|cannot be)|not a git repository|unexpected line in |missing (?:blob|tree) )/im;
const OTHER_SIDE = /^remote: .*$/gm;

/** Whether this error, or what caused it, may come of a mirror that is damaged. */
export function isDamage(error: unknown): boolean {
  if (error instanceof GitFailure)
    return error.reason === 'exit-code' && DAMAGE.test(unnamedIn(error.stderr.replaceAll(OTHER_SIDE, '')));
  return error instanceof Error && error.cause !== undefined && isDamage(error.cause);
}

/** Takes the packs of a fresh one over. Git looks into packs first, and where one is spoiled into the next. */
export async function makeWhole(git_dir: string, fresh_git_dir: string): Promise<void> {
  await removeSpoiledObjects(join(git_dir, 'objects'));
  // Derived from the rest, and made anew: refs by the next fetch, the graph by the next packing.
  for (const derived of ['packed-refs', 'refs/baton/targets', 'objects/info/commit-graph', 'objects/info/commit-graphs'])
    await rm(join(git_dir, derived), { recursive: true, force: true });
  const packs = join(fresh_git_dir, 'objects/pack');
  // The index last: a pack is there for others from when it has one.
  const files = (await readdir(packs)).toSorted((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
  for (const file of files) await rename(join(packs, file), join(git_dir, 'objects/pack', file));
}

/** Git never writes an object again that there is a file for, whatever is in it: what is spoiled would stay so. */
async function removeSpoiledObjects(objects: string): Promise<void> {
  for (const folder of await readdir(objects)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const file of await readdir(join(objects, folder)).catch(() => [])) {
      const path = join(objects, folder, file);
      if (/^[0-9a-f]{38}$/.test(file) && !(await isWhole(path, `${folder}${file}`))) await rm(path, { force: true });
    }
  }
}

async function isWhole(path: string, id: string): Promise<boolean> {
  const hash = createHash('sha1');
  try {
    await pipeline(createReadStream(path), createInflate(), hash);
  } catch (error) {
    // Packed by somebody else in between.
    return codeOf(error) === 'ENOENT';
  }
  return hash.digest('hex') === id;
}
