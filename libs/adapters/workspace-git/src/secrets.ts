/**
 * A change with a secret of this service in it is not handed on, in whatever file: a patch shows the content of a file with a NUL byte
 * only packed, so that the files themselves are searched, as they stream by.
 */
import { workspaceProblem, type Redactor } from '@baton/workbench';
import type { ChangedPath } from './change.ts';
import { GitFailure, type Git, type GitCall } from './git.ts';
import { pathAt } from './patch.ts';

const HEADER_BYTES_MAX = 200;
/** The search is synchronous: in parts, other work of this process gets its turn. */
const PATCH_PART_BYTES = 1024 * 1024;

export async function assertNoSecret(
  git: Git,
  call: GitCall,
  redactor: Redactor,
  { changed, patch }: { readonly changed: readonly ChangedPath[]; readonly patch: Buffer },
): Promise<void> {
  const where = (await inPatch(redactor, patch)) ?? (await inBlobs(git, call, redactor, changed));
  if (where !== null) throw workspaceProblem('policy', `the change holds a secret of this service (${where}); it was not kept`);
}

/** Names, and what stood there before. */
async function inPatch(redactor: Redactor, patch: Buffer): Promise<string | null> {
  for (let at = 0; at < patch.length; at += PATCH_PART_BYTES) {
    const found = redactor.knownAt(patch.subarray(at, at + PATCH_PART_BYTES + redactor.known_bytes_max));
    if (found >= 0) return pathAt(patch, at + found);
    await new Promise(setImmediate);
  }
  return null;
}

async function inBlobs(git: Git, call: GitCall, redactor: Redactor, changed: readonly ChangedPath[]): Promise<string | null> {
  const paths = new Map(changed.filter(({ new_id }) => !/^0+$/.test(new_id)).map(({ path, new_id }) => [new_id, path]));
  if (paths.size === 0 || redactor.known_bytes_max === 0) return null;
  const search = blobSearch(redactor);
  await git(['cat-file', '--batch', '--buffer'], {
    ...call,
    input: Buffer.from([...paths.keys(), ''].join('\n')),
    output: search.read,
  });
  const { searched, holding } = search;
  if (searched.size !== paths.size)
    throw new GitFailure(
      'cat-file',
      'exit-code',
      `fatal: unable to read ${[...paths.keys()].find((id) => !searched.has(id)) ?? ''}`,
    );
  return holding.length === 0 ? null : (paths.get(holding[0] ?? '') ?? null);
}

interface BlobSearch {
  readonly read: (chunk: Buffer) => void;
  readonly searched: ReadonlySet<string>;
  /** Ids of blobs in which a known value stands. */
  readonly holding: readonly string[];
}

/** Reads what `git cat-file --batch` says: for each blob a line with its size, its content, and a line break. */
export function blobSearch(redactor: Redactor): BlobSearch {
  const searched = new Set<string>();
  const holding: string[] = [];
  let header = '';
  let id = '';
  let bytes_left = 0;
  let tail: Buffer = Buffer.alloc(0);
  const readHeader = (chunk: Buffer, at: number): number => {
    const end = chunk.indexOf('\n', at);
    header = (header + chunk.toString('latin1', at, end < 0 ? chunk.length : end)).slice(0, HEADER_BYTES_MAX);
    if (end < 0) return chunk.length;
    // Of what is missing there is a line and no content.
    const [, name, size] = /^([0-9a-f]{40,64}) \w+ (\d+)$/.exec(header) ?? [];
    header = '';
    if (name === undefined) return end + 1;
    id = name;
    bytes_left = Number(size) + 1;
    tail = Buffer.alloc(0);
    searched.add(id);
    return end + 1;
  };
  const readContent = (chunk: Buffer, at: number): number => {
    const part = chunk.subarray(at, at + bytes_left);
    const seen = Buffer.concat([tail, part]);
    if (redactor.knownAt(seen) >= 0) holding.push(id);
    // A value may begin in one chunk and end in the next.
    tail = seen.subarray(Math.max(0, seen.length - redactor.known_bytes_max + 1));
    bytes_left -= part.length;
    return at + part.length;
  };
  const read = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length;) at = bytes_left === 0 ? readHeader(chunk, at) : readContent(chunk, at);
  };
  return { read, searched, holding };
}
