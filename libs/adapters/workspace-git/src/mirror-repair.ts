/**
 * A mirror of which objects were lost or spoiled (a full disk, a power cut, a cleaner of temporary files) is made whole by adding what
 * was fetched anew: other slots and processes read and write it at the same time, and their unfinished work is nowhere else.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflate } from 'node:zlib';
import { codeOf } from '@baton/workbench';
import { GitFailure, type Git } from './git.ts';
import { unnamedIn } from './git-problems.ts';

/** One ref for each branch that a mission has named as its target: what that was when it was last fetched. */
export const TARGETS = 'refs/baton/targets';

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

/** Takes the packs of a fresh one over, of which `head` is all there. Git looks into packs first, and where one is spoiled into the next. */
export async function makeWhole(
  git: Git,
  git_dir: string,
  fresh: { readonly git_dir: string; readonly head: string },
): Promise<void> {
  await removeSpoiledObjects(join(git_dir, 'objects'));
  // Derived from the rest, and made anew by the next packing.
  for (const derived of ['objects/info/commit-graph', 'objects/info/commit-graphs'])
    await rm(join(git_dir, derived), { recursive: true, force: true });
  const packs = join(fresh.git_dir, 'objects/pack');
  // The index last: a pack is there for others from when it has one.
  const files = (await readdir(packs)).toSorted((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx')));
  for (const file of files) await rename(join(packs, file), join(git_dir, 'objects/pack', file));
  await removeBrokenRefs(git, git_dir, fresh.head);
}

/** They would fail each fetch, which writes them anew. Any other stays: somebody may be between fetching it and reading it. */
async function removeBrokenRefs(git: Git, git_dir: string, head: string): Promise<void> {
  const call = { directory: git_dir, git_dir };
  for (const [ref, commit] of [...(await packedRefs(git_dir)), ...(await looseRefs(git_dir))]) {
    try {
      await git(['rev-list', '--objects', '--quiet', commit, '--not', head, '--'], call);
    } catch (error) {
      if (!(error instanceof GitFailure) || error.reason !== 'exit-code') throw error;
      // Only while it is that commit: a fetch may have written it meanwhile, or another repair removed it.
      await git(['update-ref', '-d', ref, commit], { ...call, success_exit_codes: [0, 1, 128] });
    }
  }
}

/** Ref and commit; the file is removed where it is none of git's. */
async function packedRefs(git_dir: string): Promise<readonly (readonly [string, string])[]> {
  const path = join(git_dir, 'packed-refs');
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '' && !/^[#^]/.test(line));
  const refs = lines.map((line) => /^([0-9a-f]{40}) (refs\/\S+)$/.exec(line));
  if (refs.includes(null)) await rm(path, { force: true });
  return refs.includes(null) ? [] : refs.map((found) => [found?.[2] ?? '', found?.[1] ?? '']);
}

/** Ref and commit; what holds none is removed. */
async function looseRefs(git_dir: string): Promise<readonly (readonly [string, string])[]> {
  const refs: [string, string][] = [];
  for (const name of await readdir(join(git_dir, TARGETS)).catch(() => [])) {
    if (name.endsWith('.lock')) continue;
    const path = join(git_dir, TARGETS, name);
    const commit = /^([0-9a-f]{40})\n$/.exec(await readFile(path, 'utf8').catch(() => ''))?.[1];
    if (commit === undefined) await rm(path, { force: true });
    else refs.push([`${TARGETS}/${name}`, commit]);
  }
  return refs;
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
