/** The file of checkpoints: one signed note after the other, an empty line behind each; only ever added to. */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readCheckpointText, type Checkpoint } from './checkpoint.ts';
import { checkNote, readVerifierKey, type NoteSignature, type VerifierKey } from './signed-note.ts';

export interface CheckpointPaths {
  readonly checkpoints: string;
  /** Public keys, one on each line. */
  readonly keys: string;
}

export const checkpointPaths = (directory: string): CheckpointPaths => ({
  checkpoints: join(directory, 'log.checkpoints'),
  keys: join(directory, 'sealer.vkey'),
});

export interface FoundCheckpoint extends Checkpoint {
  /** Of the file, where it begins. */
  readonly line: number;
}

export interface ReadCheckpoints {
  /** Signed by one of the keys, in the order of the file. */
  readonly checkpoints: readonly FoundCheckpoint[];
  /** What somebody who can write to the file has put there, or what was signed with other keys. */
  readonly faults: readonly { readonly line: number; readonly fault: 'forged' | 'unknown-key' | 'no-checkpoint' }[];
  /** Lines at which something was cut short, as a power loss does it: nothing is concluded from those. */
  readonly cut_short: readonly number[];
}

/** Half a million a year where the log never rests: 130 MB. */
export function readCheckpoints(text: string, keys: readonly VerifierKey[]): ReadCheckpoints {
  const checkpoints: FoundCheckpoint[] = [];
  const faults: { line: number; fault: 'forged' | 'unknown-key' | 'no-checkpoint' }[] = [];
  const cut_short: number[] = [];
  for (const { line, body, signatures } of notesOf(text)) {
    const signature: NoteSignature = body === null || signatures === null ? 'cut-short' : checkNote(body, signatures, keys);
    if (signature === 'cut-short') cut_short.push(line);
    else if (signature !== 'good') faults.push({ line, fault: signature });
    else {
      const checkpoint = readCheckpointText(body ?? '');
      if (checkpoint === null) faults.push({ line, fault: 'no-checkpoint' });
      else checkpoints.push({ ...checkpoint, line });
    }
  }
  return { checkpoints, faults, cut_short };
}

interface Note {
  readonly line: number;
  /** Null: signatures of nothing. */
  readonly body: string | null;
  /** Null: nobody has signed it. */
  readonly signatures: readonly string[] | null;
}

/** What lies between empty lines is a text or its signatures; one without the other was cut short. */
function* notesOf(text: string): Generator<Note> {
  let pending: { line: number; body: string } | null = null;
  let line = 1;
  for (const block of text.split('\n\n')) {
    const begins = line;
    line += block.split('\n').length + 1;
    const lines = block.split('\n').filter((one) => one !== '');
    if (lines.length === 0) continue;
    if (lines[0]?.startsWith('— ') === true) {
      yield { line: pending?.line ?? begins, body: pending?.body ?? null, signatures: lines };
      pending = null;
    } else {
      if (pending !== null) yield { ...pending, signatures: null };
      pending = { line: begins, body: `${lines.join('\n')}\n` };
    }
  }
  if (pending !== null) yield { ...pending, signatures: null };
}

export async function readVerifierKeys(file: string): Promise<readonly VerifierKey[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).map(readVerifierKey);
}

/** On disk when this resolves. What a power loss has left half written before it is closed off, not removed. */
export async function appendNote(file: string, note: string): Promise<void> {
  await appendSynced(file, `${(await endsClean(file)) ? '' : '\n\n'}${note}\n`);
}

export async function addVerifierKey(file: string, key: VerifierKey): Promise<void> {
  const known = existsSync(file) ? await readVerifierKeys(file) : [];
  if (!known.some(({ text }) => text === key.text)) await appendSynced(file, `${key.text}\n`);
}

async function appendSynced(file: string, text: string): Promise<void> {
  const is_new = !existsSync(file);
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (is_new) await syncDirectory(dirname(file));
}

/** Otherwise a power loss could take the new file's name away. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function endsClean(file: string): Promise<boolean> {
  const end = await tailOf(file, 2);
  return end === '' || end === '\n\n';
}

/** The last bytes of a file; none where it is not there. */
export async function tailOf(file: string, bytes_max: number): Promise<string> {
  const size = (await stat(file).catch(ifThere))?.size ?? 0;
  if (size === 0) return '';
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(size, bytes_max));
    await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

/** Null = there is no such file; everything else that goes wrong is told. */
export function ifThere(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
